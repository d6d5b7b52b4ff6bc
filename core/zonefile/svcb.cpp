// SVCB and HTTPS in presentation format (RFC 9460 section 2.1 and appendix A). What parameters and values go together
// is for check_rdata() to say, since data come in other forms too.
#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "core/dns/base_encodings.h"
#include "core/dns/service_keys.h"
#include "core/text.h"
#include "core/zonefile/rdata.h"

namespace swage::zonefile {
namespace {

using Value = std::vector<std::uint8_t>;

struct Parameter {
  std::uint16_t key;
  Value value;
};

bool parse_key(std::string_view text, std::uint16_t& key) {
  const auto* const known = std::ranges::find(dns::kServiceKeyNames, text);
  if (known != dns::kServiceKeyNames.end()) {
    key = static_cast<std::uint16_t>(known - dns::kServiceKeyNames.begin());
    return true;
  }
  // 65535 is reserved: "invalid key".
  return text.starts_with("key") && parse_number(text.substr(3), key) && key != UINT16_MAX && text != "key" &&
         (text.size() == 4 || text[3] != '0');
}

void put_u16(Value& to, std::uint16_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

// The items of a list without escapes. An empty list has one empty item, which no caller accepts.
template <typename Each>
bool each_item(const Value& list, Each each) {
  std::string_view rest = as_text(list);
  while (true) {
    const std::size_t comma = rest.find(',');
    if (!each(rest.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    rest.remove_prefix(comma + 1);
  }
}

// The second level of escapes, on top of those of character-strings: "\," and "\\" (appendix A.1).
bool parse_alpn(const Value& list, Value& to) {
  std::size_t length_at = to.size();
  to.push_back(0);
  const auto end_item = [&] {
    const std::size_t length = to.size() - length_at - 1;
    to[length_at] = static_cast<std::uint8_t>(length);
    return length > 0 && length <= 255;
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == ',') {
      if (!end_item()) return false;
      length_at = to.size();
      to.push_back(0);
      continue;
    }
    if (list[i] == '\\') {
      if (i + 1 == list.size() || (list[i + 1] != ',' && list[i + 1] != '\\')) return false;
      ++i;
    }
    to.push_back(list[i]);
  }
  return end_item();
}

template <int Family, std::size_t Size>
bool parse_addresses(const Value& list, Value& to) {
  return each_item(list, [&](std::string_view item) {
    std::array<std::uint8_t, Size> address;
    if (inet_pton(Family, std::string(item).c_str(), address.data()) != 1) return false;
    to.insert(to.end(), address.begin(), address.end());
    return true;
  });
}

// In order, as they are on the wire.
bool parse_keys(const Value& list, Value& to) {
  std::vector<std::uint16_t> keys;
  const bool good = each_item(list, [&](std::string_view item) {
    keys.push_back(0);
    return parse_key(item, keys.back());
  });
  std::ranges::sort(keys);
  for (const std::uint16_t key : keys) put_u16(to, key);
  return good;
}

bool parse_numbers(const Value& list, Value& to) {
  return each_item(list, [&](std::string_view item) {
    std::uint16_t number = 0;
    if (!parse_number(item, number)) return false;
    put_u16(to, number);
    return true;
  });
}

// From the presentation format of the key's own name.
bool parse_value(std::uint16_t key, const Value& text, bool has_value, Value& to) {
  switch (key) {
    case dns::kNoDefaultAlpn:
    case dns::kOhttp:
      return !has_value;
    case dns::kMandatory:
      return parse_keys(text, to);
    case dns::kAlpn:
      return parse_alpn(text, to);
    case dns::kPort:
      return as_text(text).find(',') == std::string_view::npos && parse_numbers(text, to);
    case dns::kIpv4Hint:
      return parse_addresses<AF_INET, 4>(text, to);
    case dns::kIpv6Hint:
      return parse_addresses<AF_INET6, 16>(text, to);
    case dns::kEch:
      return dns::decode_base64(as_text(text), to);
    case dns::kTlsGroups:
      return parse_numbers(text, to);
    default:
      to = text;
      return true;
  }
}

OrFault<Parameter> parse_parameter(const RdataText& record, const Token& token) {
  const std::size_t equals = token.text.find('=');
  Parameter parameter{};
  if (token.quoted || !parse_key(token.text.substr(0, equals), parameter.key)) {
    return record.not_a("a parameter such as alpn=h2", token);
  }
  Value text;
  if (equals != std::string_view::npos) {
    std::string_view value = token.text.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
    TRY(unescape({value, token.line, false}, text));
  }
  if (token.text.starts_with("key")) {
    parameter.value = std::move(text);  // section 2.1: what follows keyNNNNN is the value on the wire, whatever the key
  } else if (!parse_value(parameter.key, text, equals != std::string_view::npos, parameter.value)) {
    return fault(token.line, "{}: malformed parameter '{}'", to_string(record.type()), token.text);
  }
  if (parameter.value.size() > UINT16_MAX) {
    return fault(token.line, "{}: {}: more than 65535 bytes", to_string(record.type()),
                 dns::service_key_name(parameter.key));
  }
  return parameter;
}

}  // namespace

OrFault<> parse_svcb(RdataText& text) {
  TRY(text.number(2));
  TRY(text.name());
  std::vector<Parameter> parameters;
  while (!text.tokens().empty()) {
    TRY(const Token token, text.take("a parameter"));
    TRY(parameters.emplace_back(), parse_parameter(text, token));
  }
  std::ranges::stable_sort(parameters, {}, &Parameter::key);  // what is there twice, check_rdata() finds
  for (const Parameter& parameter : parameters) {
    text.put_u16(parameter.key);
    text.put_u16(static_cast<std::uint16_t>(parameter.value.size()));
    text.rdata().insert(text.rdata().end(), parameter.value.begin(), parameter.value.end());
  }
  return {};
}

}  // namespace swage::zonefile
