// faults() of dns_cases.h: what every answer must be, and what a case demands besides.
#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "core/text.h"
#include "tests/support/dns_cases.h"

namespace swage::tests {
namespace {

constexpr std::size_t kHeader = 12;           // bytes
constexpr std::uint16_t kOfferedSize = 1232;  // what the server says it takes over UDP

using Records = std::multiset<std::string>;

// Records for comparison; in lower case unless their spelling counts.
Records comparable(const std::vector<std::string>& records, bool exact) {
  Records result;
  for (const std::string& record : records) result.insert(exact ? record : lower_case(record));
  return result;
}

class Check {
 public:
  Check(Bytes query, const Expectation& expectation, Bytes bytes, bool over_tcp)
      : query_(query), expectation_(expectation), bytes_(bytes), over_tcp_(over_tcp) {}

  std::string run() {
    Result<Decoded> decoded = decode(bytes_);
    if (!decoded) return fmt::format("  ldns cannot read it: {}\n", decoded.error().text());
    answer_ = *std::move(decoded);
    header();
    if (expectation_.header_only) {
      header_alone();
      return text_;
    }
    question();
    opt();
    sections();
    return text_;
  }

 private:
  void demand(bool condition, std::string_view text) {
    if (!condition) text_ += fmt::format("  {}\n", text);
  }

  void header() {
    const std::uint16_t asked = load_u16(&query_[2]);
    const auto bits = [&](std::uint16_t mask) { return (asked & mask) == (answer_.flags & mask); };
    demand(answer_.id == load_u16(&query_[0]), "another id");
    demand(answer_.has(kQr), "QR is 0");
    demand(bits(0x7800), "another opcode");
    demand(bits(kRd), "RD is not the query's");
    demand(bits(kCd), "CD is not the query's");
    demand(!answer_.has(kRa), "RA is set");
    demand(!answer_.has(kAd), "AD is set");
    demand(!answer_.has(kZ), "Z is set");
    const auto& rcodes = expectation_.rcodes;
    if (std::find(rcodes.begin(), rcodes.end(), answer_.rcode_text()) == rcodes.end()) {
      demand(false, fmt::format("rcode {} instead of {}", answer_.rcode_text(), fmt::join(rcodes, " or ")));
    }
    if (expectation_.aa) demand(answer_.has(kAa) == *expectation_.aa, answer_.has(kAa) ? "AA is set" : "AA is 0");
    demand(answer_.has(kTc) == cut(), answer_.has(kTc) ? "TC is set" : "TC is 0");
    if (expectation_.max_size != 0 && !over_tcp_) {
      demand(answer_.size <= expectation_.max_size,
             fmt::format("{} bytes, more than {}", answer_.size, expectation_.max_size));
    }
  }

  [[nodiscard]] bool cut() const { return expectation_.truncated && !over_tcp_; }

  void header_alone() {
    constexpr std::size_t kOpt = 11;
    const auto& opt = answer_.opt;
    demand(answer_.counts[0] == 0 && bytes_.size() == kHeader + (opt ? kOpt : 0), "more than a header");
    demand(opt.has_value() == expectation_.header_opt, opt ? "an OPT" : "no OPT");
    if (opt) demand(opt->udp_size == kOfferedSize && opt->version == 0, "another OPT");
  }

  // The question's bytes, so its spelling too.
  void question() {
    demand(answer_.counts[0] == 1, "QDCOUNT is not 1");
    std::size_t end = kHeader;
    while (end < query_.size() && query_[end] != 0) end += 1U + query_[end];
    end += 1 + 4;
    const bool same = end <= query_.size() && end <= bytes_.size() &&
                      std::equal(query_.begin() + kHeader, query_.begin() + static_cast<std::ptrdiff_t>(end),
                                 bytes_.begin() + kHeader);
    demand(same, "another question");
  }

  void opt() {
    const Result<Decoded> asked = decode(query_);
    if (!asked) return;  // a query that is malformed somewhere after its question
    demand(asked->opt.has_value() == answer_.opt.has_value(), asked->opt ? "no OPT" : "OPT without being asked");
    if (!asked->opt || !answer_.opt) return;
    demand(answer_.opt->udp_size == kOfferedSize, fmt::format("the OPT offers {} bytes", answer_.opt->udp_size));
    demand(answer_.opt->version == 0, "an EDNS version other than 0");
    demand(answer_.opt->flags == (asked->opt->flags & kDnssecOk), fmt::format("EDNS flags {:x}", answer_.opt->flags));
    std::map<std::uint16_t, std::string> options;
    for (const Option& option : answer_.opt->options) options[option.code] = option.data;
    demand(options == expectation_.options && options.size() == answer_.opt->options.size(), "other EDNS options");
  }

  void sections() {
    if (cut()) {
      const auto& counts = answer_.counts;
      demand(counts[1] == 0 && counts[2] == 0 && counts[3] == (answer_.opt ? 1 : 0), "records beside TC");
      return;
    }
    section("answer", answer_.answer, expectation_.answer, {});
    section("authority", answer_.authority, expectation_.authority, {});
    section("additional", answer_.additional, expectation_.additional, expectation_.may_add);
  }

  void section(std::string_view title, const std::vector<std::string>& got,
               const std::optional<std::vector<std::string>>& wanted, const std::vector<std::string>& may_add) {
    if (!wanted) return;
    const Records actual = comparable(got, expectation_.exact);
    const Records expected = comparable(*wanted, expectation_.exact);
    Records missing, extra, unexplained;
    std::set_difference(expected.begin(), expected.end(), actual.begin(), actual.end(),
                        std::inserter(missing, missing.end()));
    std::set_difference(actual.begin(), actual.end(), expected.begin(), expected.end(),
                        std::inserter(extra, extra.end()));
    const Records optional = comparable(may_add, expectation_.exact);
    std::set_difference(extra.begin(), extra.end(), optional.begin(), optional.end(),
                        std::inserter(unexplained, unexplained.end()));
    for (const std::string& record : missing) demand(false, fmt::format("{} lacks {}", title, record));
    for (const std::string& record : unexplained) demand(false, fmt::format("{} has {}", title, record));
  }

  Bytes query_;
  const Expectation& expectation_;
  Bytes bytes_;
  bool over_tcp_;
  Decoded answer_;
  std::string text_;
};

}  // namespace

std::string faults(Bytes query, const Expectation& expectation, Bytes answer, bool over_tcp) {
  std::string text = Check(query, expectation, answer, over_tcp).run();
  if (text.empty()) return text;
  const Result<Decoded> decoded = decode(answer);
  return fmt::format("{}  over {}: {}", text, over_tcp ? "TCP" : "UDP",
                     decoded ? decoded->to_string() : to_hex(answer));
}

}  // namespace swage::tests
