// SVCB and HTTPS: RFC 9460 sections 2.2, 2.4.2, 7 and 8; RFC 9461 (dohpath), 9540 (ohttp), 9848 (ech).
#include <algorithm>

#include "core/dns/rdata_rules.h"
#include "core/dns/service_keys.h"
#include "core/dns/uri_template.h"

namespace swage::dns {
namespace {

std::uint16_t u16_at(Bytes bytes, std::size_t at) { return load_u16(&bytes[at]); }

// Names after their lengths, one or more; no name is empty.
bool is_alpn(Bytes value) {
  std::size_t at = 0;
  while (at < value.size() && value[at] != 0) at += 1U + value[at];
  return !value.empty() && at == value.size();
}

bool is_list(Bytes value, std::size_t of) { return !value.empty() && value.size() % of == 0; }

// Numbers in order, each once.
bool is_ascending(Bytes value) {
  for (std::size_t at = 2; at < value.size(); at += 2) {
    if (u16_at(value, at) <= u16_at(value, at - 2)) return false;
  }
  return true;
}

bool is_ech(Bytes value) { return value.size() > 2 && u16_at(value, 0) == value.size() - 2; }

// What is wrong with the value, in words; nullptr: nothing.
const char* fault_of(std::uint16_t key, Bytes value) {
  switch (key) {
    case kMandatory:
      if (!is_list(value, 2) || !is_ascending(value)) return "expected keys in order, each once";
      return u16_at(value, 0) == kMandatory ? "names itself" : nullptr;
    case kAlpn:
      return is_alpn(value) ? nullptr : "expected protocol names that are not empty";
    case kNoDefaultAlpn:
    case kOhttp:
      return value.empty() ? nullptr : "has no value";
    case kPort:
      return value.size() == 2 ? nullptr : "expected one number";
    case kIpv4Hint:
      return is_list(value, 4) ? nullptr : "expected IPv4 addresses";
    case kIpv6Hint:
      return is_list(value, 16) ? nullptr : "expected IPv6 addresses";
    case kEch:
      return value.empty() ? "expected an ECHConfigList" : nullptr;
    case kDohPath:
      return is_doh_path(as_text(value)) ? nullptr
                                         : "expected a path with the variable 'dns', such as /dns-query{?dns}";
    case kTlsGroups:
      return is_list(value, 2) ? nullptr : "expected numbers of groups";
    default:
      return nullptr;
  }
}

// The parameters of a record, in wire form, one after another.
class Parameters {
 public:
  explicit Parameters(Bytes bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  // False where the bytes end within one.
  [[nodiscard]] bool next() {
    if (rest_.size() < 4 || rest_.size() - 4 < u16_at(rest_, 2)) return false;
    key = u16_at(rest_, 0);
    value = rest_.subspan(4, u16_at(rest_, 2));
    rest_ = rest_.subspan(4 + value.size());
    return true;
  }

  std::uint16_t key = 0;
  Bytes value;

 private:
  Bytes rest_;
};

// REQUIRES: `bytes` are whole parameters.
bool has_key(Bytes bytes, std::uint16_t key) {
  Parameters parameters(bytes);
  while (!parameters.at_end() && parameters.next()) {
    if (parameters.key == key) return true;
  }
  return false;
}

// The first of the mandatory keys that is not there; UINT16_MAX: all are.
std::uint16_t missing_key(Bytes bytes) {
  Parameters first(bytes);
  if (bytes.empty() || !first.next() || first.key != kMandatory) return UINT16_MAX;
  for (std::size_t at = 0; at < first.value.size(); at += 2) {
    if (!has_key(bytes, u16_at(first.value, at))) return u16_at(first.value, at);
  }
  return UINT16_MAX;
}

}  // namespace

Result<std::string_view> check_service(Bytes rdata) {
  const Bytes bytes = rdata.subspan(2 + name_size_on_wire(rdata.subspan(2)));
  std::string_view doubt;
  int before = -1;
  for (Parameters parameters(bytes); !parameters.at_end();) {
    if (!parameters.next()) return fail("parameters: the data end within one");
    const std::string name = service_key_name(parameters.key);
    if (parameters.key == UINT16_MAX) return fail("{}: not a valid key", name);
    if (parameters.key <= before)
      return fail("{}: {}", name, parameters.key == before ? "there twice" : "out of order");
    before = parameters.key;
    if (const char* fault = fault_of(parameters.key, parameters.value)) return fail("{}: {}", name, fault);
    if (parameters.key == kEch && !is_ech(parameters.value)) doubt = "ech: not an ECHConfigList";
  }
  if (has_key(bytes, kNoDefaultAlpn) && !has_key(bytes, kAlpn)) return fail("no-default-alpn: needs alpn");
  const std::uint16_t missing = missing_key(bytes);
  if (missing != UINT16_MAX) return fail("mandatory: {} is missing", service_key_name(missing));
  // Section 2.4.2: they are ignored.
  if (u16_at(rdata, 0) == 0 && !bytes.empty()) doubt = "parameters: without effect where the priority is 0";
  return doubt;
}

}  // namespace swage::dns
