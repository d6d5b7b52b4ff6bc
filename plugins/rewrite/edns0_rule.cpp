// The rules that change EDNS options of the question: of any number (local), NSID, and the client's subnet (RFC 7871).
#include <algorithm>
#include <array>
#include <charconv>

#include "core/config/values.h"
#include "core/text.h"
#include "plugins/rewrite/rules.h"

namespace swage::plugins::rewrite {
namespace {

constexpr std::uint16_t kOptionSubnet = 8;

enum class Action : std::uint8_t { set, append, replace, unset };
enum class Variable : std::uint8_t { qname, qtype, client_ip, client_port, protocol, server_ip, server_port };

// The data of an option; room for the longest.
struct OptionData {
  std::array<std::uint8_t, 4 * dns::kMaxName> bytes;
  std::size_t size = 0;
  void append(Bytes more) {
    std::ranges::copy(more, bytes.begin() + static_cast<std::ptrdiff_t>(size));
    size += more.size();
  }
  void append_u16(std::uint16_t value) {
    store_u16(&bytes[size], value);
    size += 2;
  }
  [[nodiscard]] Bytes view() const { return Bytes(bytes).first(size); }
};

class Edns0Rule : public Rule {
 public:
  Edns0Rule(bool stops, Action action, std::uint16_t code) : Rule(stops), action_(action), code_(code) {}

  Result<Applied> ask(Rewriting& rewriting) const override {
    if (action_ == Action::unset) {
      rewriting.unset_option(code_);
      return Applied::yes;
    }
    const bool exists = rewriting.query().edns.has_option(code_);
    if (action_ == (exists ? Action::append : Action::replace)) return Applied::no;
    OptionData made;
    return rewriting.set_option(code_, data(rewriting.query(), made)) ? Applied::yes : Applied::no;
  }

 protected:
  // What is in the option: bytes of the rule, or put into `made`.
  [[nodiscard]] virtual Bytes data(const Query&, OptionData&) const { return {}; }

 private:
  Action action_;
  std::uint16_t code_;
};

class LocalRule : public Edns0Rule {
 public:
  LocalRule(bool stops, Action action, std::uint16_t code, std::string data)
      : Edns0Rule(stops, action, code), data_(std::move(data)) {}

 private:
  Bytes data(const Query&, OptionData&) const override { return as_bytes(data_); }
  std::string data_;
};

class VariableRule : public Edns0Rule {
 public:
  VariableRule(bool stops, Action action, std::uint16_t code, Variable variable)
      : Edns0Rule(stops, action, code), variable_(variable) {}

 private:
  Bytes data(const Query& query, OptionData& made) const override {
    switch (variable_) {
      case Variable::qname:
        made.append(as_bytes(dns::NameText(query.qname).view()));
        break;
      case Variable::qtype:
        made.append_u16(static_cast<std::uint16_t>(query.qtype));
        break;
      case Variable::client_ip:
        made.append(query.client.address.bytes());
        break;
      case Variable::client_port:
        made.append_u16(query.client.port);
        break;
      case Variable::protocol:
        made.append(as_bytes(query.transport == dns::Transport::udp ? "udp" : "tcp"));
        break;
      case Variable::server_ip:
        made.append(query.server.address.bytes());
        break;
      case Variable::server_port:
        made.append_u16(query.server.port);
        break;
    }
    return made.view();
  }
  Variable variable_;
};

class SubnetRule : public Edns0Rule {
 public:
  SubnetRule(bool stops, Action action, std::uint8_t v4_bits, std::uint8_t v6_bits)
      : Edns0Rule(stops, action, kOptionSubnet), v4_bits_(v4_bits), v6_bits_(v6_bits) {}

 private:
  // FAMILY, SOURCE PREFIX-LENGTH, SCOPE PREFIX-LENGTH, and as much of the address as the length says (section 6).
  Bytes data(const Query& query, OptionData& made) const override {
    const IpAddress& client = query.client.address;
    const std::uint8_t bits = client.is_v6() ? v6_bits_ : v4_bits_;
    made.append_u16(client.is_v6() ? 2 : 1);
    made.append(std::array<std::uint8_t, 2>{bits, 0});
    made.append(client.bytes().first((bits + 7U) / 8));
    if (bits % 8 != 0) {
      std::uint8_t& last = made.bytes[made.size - 1];
      last = static_cast<std::uint8_t>(last & (0xFF << (8 - bits % 8)));
    }
    return made.view();
  }
  std::uint8_t v4_bits_, v6_bits_;
};

Result<Action> parse_action(const std::string& word) {
  if (equal_without_case(word, "set")) return Action::set;
  if (equal_without_case(word, "append")) return Action::append;
  if (equal_without_case(word, "replace")) return Action::replace;
  if (equal_without_case(word, "unset")) return Action::unset;
  return fail("expected set, append, replace or unset, not '{}'", word);
}

// Decimal, or hexadecimal with 0x.
Result<std::uint16_t> parse_code(std::string_view text) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = is_hex ? text.substr(2) : text;
  std::uint16_t code = 0;
  if (!parse_number(digits, code, is_hex ? 16 : 10)) return fail("'{}' is not the number of an EDNS option", text);
  return code;
}

Result<Variable> parse_variable(std::string_view word) {
  constexpr std::array<std::string_view, 7> kNames = {"{qname}",    "{qtype}",     "{client_ip}",  "{client_port}",
                                                      "{protocol}", "{server_ip}", "{server_port}"};
  const auto found = std::ranges::find(kNames, word);
  if (found == kNames.end()) return fail("'{}' is not a variable that rewrite knows", word);
  return static_cast<Variable>(found - kNames.begin());
}

// "0x61626364" is "abcd".
Result<std::string> parse_data(std::string_view text) {
  if (!text.starts_with("0x")) return std::string(text);
  std::string data;
  for (std::size_t at = 2; at < text.size(); at += 2) {
    std::uint8_t byte = 0;
    if (at + 2 > text.size() || !parse_number(text.substr(at, 2), byte, 16))
      return fail("'{}' is not hexadecimal", text);
    data += static_cast<char>(byte);
  }
  return data;
}

NewRule make_local(bool stops, Action action, Words words) {
  const std::size_t expected = action == Action::unset ? 1 : 2;
  if (words.size() != expected) return fail("an edns0 local rule has a number{}", expected == 1 ? "" : " and data");
  TRY(const std::uint16_t code, parse_code(words[0]));
  if (action == Action::unset) return std::make_unique<const Edns0Rule>(stops, action, code);
  if (words[1].starts_with('{') && words[1].ends_with('}')) {
    TRY(const Variable variable, parse_variable(words[1]));
    return std::make_unique<const VariableRule>(stops, action, code, variable);
  }
  TRY(std::string data, parse_data(words[1]));
  if (data.size() > Rewriting::kMaxOptions / 2) return fail("data of {} bytes are too long", data.size());
  return std::make_unique<const LocalRule>(stops, action, code, std::move(data));
}

NewRule make_subnet(bool stops, Action action, Words words) {
  if (action == Action::unset && words.empty()) return std::make_unique<const Edns0Rule>(stops, action, kOptionSubnet);
  if (action == Action::unset || words.size() != 2) return fail("wrong number of arguments for an edns0 subnet rule");
  TRY(const auto v4_bits, config::parse_integer<std::uint8_t>(words[0], 0, 32));
  TRY(const auto v6_bits, config::parse_integer<std::uint8_t>(words[1], 0, 128));
  return std::make_unique<const SubnetRule>(stops, action, v4_bits, v6_bits);
}

}  // namespace

NewRule make_edns0_rule(bool stops, Words words) {
  if (words.size() < 2) return fail("an edns0 rule needs a kind of option and an action");
  const std::string& kind = words[0];
  TRY(const Action action, parse_action(words[1]));
  words = words.subspan(2);
  // No option of the question comes back in a response here: there is nothing to revert.
  if (action != Action::unset && !words.empty() && words.back() == "revert") words = words.first(words.size() - 1);
  if (equal_without_case(kind, "local")) return make_local(stops, action, words);
  if (equal_without_case(kind, "subnet")) return make_subnet(stops, action, words);
  if (!equal_without_case(kind, "nsid")) return fail("expected local, nsid or subnet, not '{}'", kind);
  if (!words.empty()) return fail("an edns0 nsid rule has no data");
  return std::make_unique<const Edns0Rule>(stops, action, dns::kOptionNsid);
}

}  // namespace swage::plugins::rewrite
