#include "core/upstream/question.h"

#include <algorithm>
#include <array>

#include "core/dns/encode.h"
#include "core/dns/parse.h"
#include "core/text.h"
#include "core/upstream/opt.h"

namespace swage::upstream {
namespace {

constexpr std::uint16_t kCookie = 10;                                  // the EDNS option
constexpr std::size_t kOurs = 8, kLeastCookie = 16, kMostCookie = 40;  // bytes, of ours and of both
constexpr std::uint8_t kExtendedBadCookie = 1, kLowBadCookie = 7;      // rcode 23

constexpr std::uint8_t kQr = 0x80, kOpcode = 0x78, kTc = 0x02, kRd = 0x01, kCd = 0x10, kRcode = 0x0F;

void append_u16(std::vector<std::uint8_t>& to, unsigned value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

// A letter's bit for upper case, where the random bit says so. Length bytes are below 64, and so are no letters.
void append_spelled(std::vector<std::uint8_t>& to, dns::NameView name, const std::array<std::uint8_t, 32>& bits) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    const std::uint8_t byte = name.data()[i];
    const bool is_raised = is_letter(static_cast<char>(byte)) && (bits[i / 8] >> (i % 8) & 1) != 0;
    to.push_back(is_raised ? static_cast<std::uint8_t>(byte - 0x20) : byte);
  }
}

bool says_no_edns(Bytes received) {
  const auto rcode = static_cast<dns::Rcode>(received[3] & kRcode);
  return (rcode == dns::Rcode::formerr || rcode == dns::Rcode::notimp) && load_u16(&received[10]) == 0;
}

}  // namespace

Asked::Asked(const Question& question, const Form& form, crypto::Random& random)
    : cookie_(form.cookie.begin(), form.cookie.end()), edns_(form.edns) {
  std::array<std::uint8_t, 2 + 32> unpredictable{};
  random.fill(unpredictable);
  if (!form.random_id) unpredictable[0] = unpredictable[1] = 0;
  message_.reserve(dns::kHeaderSize + question.name.size() + 4 + 11 + 4 + cookie_.size() + form.options.size());
  message_.assign({unpredictable[0], unpredictable[1], static_cast<std::uint8_t>(question.recursion_desired ? kRd : 0),
                   static_cast<std::uint8_t>(question.checking_disabled ? kCd : 0), 0, 1, 0, 0, 0, 0, 0,
                   static_cast<std::uint8_t>(edns_ ? 1 : 0)});
  std::array<std::uint8_t, 32> bits{};
  if (form.random_spelling) std::copy(unpredictable.begin() + 2, unpredictable.end(), bits.begin());
  append_spelled(message_, question.name.lowercased(), bits);
  append_u16(message_, static_cast<std::uint16_t>(question.type));
  append_u16(message_, static_cast<std::uint16_t>(dns::Class::in));
  question_end_ = message_.size();
  if (!edns_) return;
  message_.push_back(0);
  append_u16(message_, static_cast<std::uint16_t>(dns::Type::opt));
  append_u16(message_, dns::kUdpSize);
  append_u16(message_, 0);
  append_u16(message_, question.dnssec_ok ? 0x8000 : 0);
  append_u16(message_, static_cast<unsigned>(form.options.size() + (cookie_.empty() ? 0 : 4 + cookie_.size())));
  if (!cookie_.empty()) {
    append_u16(message_, kCookie);
    append_u16(message_, static_cast<unsigned>(cookie_.size()));
    message_.insert(message_.end(), cookie_.begin(), cookie_.end());
  }
  message_.insert(message_.end(), form.options.begin(), form.options.end());
}

Verdict Asked::judge(Bytes received) const {
  if (received.size() < dns::kHeaderSize || load_u16(received.data()) != load_u16(message_.data())) {
    return Verdict::foreign;
  }
  if ((received[2] & kQr) == 0 || (received[2] & kOpcode) != 0) return Verdict::foreign;
  const unsigned questions = load_u16(&received[4]);
  if (questions == 0 && edns_ && received.size() == dns::kHeaderSize && says_no_edns(received)) return Verdict::no_edns;
  if (questions != 1 || received.size() < question_end_) return Verdict::foreign;
  const Bytes ours = Bytes(message_).first(question_end_).subspan(dns::kHeaderSize);
  const Bytes theirs = received.first(question_end_).subspan(dns::kHeaderSize);
  const auto same = [](std::uint8_t a, std::uint8_t b) { return dns::lower(a) == dns::lower(b); };
  const std::size_t name = ours.size() - 4;
  if (!std::equal(ours.begin() + static_cast<std::ptrdiff_t>(name), ours.end(),
                  theirs.begin() + static_cast<std::ptrdiff_t>(name)) ||
      !std::ranges::equal(ours.first(name), theirs.first(name), same)) {
    return Verdict::foreign;
  }
  if (!std::ranges::equal(ours, theirs)) return Verdict::misspelled;
  if (edns_ && says_no_edns(received)) return Verdict::no_edns;
  const Verdict cookie = edns_ && !cookie_.empty() ? judge_cookie(received) : Verdict::answer;
  if (cookie != Verdict::answer) return cookie;
  return (received[2] & kTc) != 0 ? Verdict::truncated : Verdict::answer;
}

// Whoever knows cookies sends ours back, and whoever has sent one knows them (RFC 7873 section 5.3).
Verdict Asked::judge_cookie(Bytes received) const {
  const Bytes cookie = cookie_of(received);
  if (cookie.empty()) return cookie_.size() > kOurs ? Verdict::misspelled : Verdict::answer;
  if (!std::ranges::equal(cookie.first(kOurs), Bytes(cookie_).first(kOurs))) return Verdict::foreign;
  const bool is_bad =
      (received[3] & kRcode) == kLowBadCookie && find_opt(received)->extended_rcode == kExtendedBadCookie;
  return is_bad ? Verdict::bad_cookie : Verdict::answer;
}

Bytes Asked::cookie_of(Bytes received) {
  const std::optional<Opt> opt = find_opt(received);
  const Bytes cookie = opt ? opt->option(kCookie).value_or(Bytes()) : Bytes();
  return cookie.size() >= kLeastCookie && cookie.size() <= kMostCookie ? cookie : Bytes();
}

}  // namespace swage::upstream
