// WKS: the well-known services of a host (RFC 1035 section 3.4.2), by number or by name. The names are a list of our
// own: what this machine's /etc/services says is not what a zone means.
#include <algorithm>
#include <array>
#include <charconv>

#include "core/zonefile/rdata.h"

namespace swage::zonefile {
namespace {

struct Named {
  std::string_view name;
  unsigned number;
};

constexpr auto kProtocols = std::to_array<Named>({{"icmp", 1}, {"tcp", 6}, {"egp", 8}, {"udp", 17}});

// RFC 1010, and what came since that zones name.
constexpr auto kServices = std::to_array<Named>({
    {"rje", 5},         {"echo", 7},       {"discard", 9},      {"systat", 11},       {"users", 11},
    {"daytime", 13},    {"netstat", 15},   {"qotd", 17},        {"quote", 17},        {"chargen", 19},
    {"ftp-data", 20},   {"ftp", 21},       {"ssh", 22},         {"telnet", 23},       {"smtp", 25},
    {"nsw-fe", 27},     {"time", 37},      {"rlp", 39},         {"nameserver", 42},   {"name", 42},
    {"nicname", 43},    {"whois", 43},     {"login", 49},       {"tacacs", 49},       {"domain", 53},
    {"bootps", 67},     {"bootpc", 68},    {"tftp", 69},        {"gopher", 70},       {"finger", 79},
    {"http", 80},       {"www", 80},       {"link", 87},        {"kerberos", 88},     {"supdup", 95},
    {"hostnames", 101}, {"hostname", 101}, {"iso-tsap", 102},   {"x400", 103},        {"rtelnet", 107},
    {"pop2", 109},      {"pop-2", 109},    {"pop3", 110},       {"pop-3", 110},       {"sunrpc", 111},
    {"auth", 113},      {"ident", 113},    {"sftp", 115},       {"uucp-path", 117},   {"nntp", 119},
    {"ntp", 123},       {"pwdgen", 129},   {"netbios-ns", 137}, {"netbios-dgm", 138}, {"netbios-ssn", 139},
    {"imap", 143},      {"imap2", 143},    {"snmp", 161},       {"snmptrap", 162},    {"bgp", 179},
    {"irc", 194},       {"ldap", 389},     {"https", 443},      {"shell", 514},       {"syslog", 514},
    {"printer", 515},   {"router", 520},   {"imaps", 993},      {"pop3s", 995},
});

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return dns::lower(static_cast<std::uint8_t>(x)) == dns::lower(static_cast<std::uint8_t>(y));
  });
}

// A number up to `most`, or one of the names.
bool parse_named(std::string_view text, std::span<const Named> names, unsigned most, unsigned& value) {
  for (const Named& named : names) {
    if (!equal_without_case(named.name, text)) continue;
    value = named.number;
    return true;
  }
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  return error == std::errc() && end == text.end() && value <= most;
}

}  // namespace

OrFault<> parse_wks(RdataText& text) {
  TRY(text.ipv4());
  TRY(const Token protocol, text.take("a protocol"));
  unsigned number = 0;
  if (!parse_named(protocol.text, kProtocols, 255, number)) return text.not_a("a protocol, such as tcp or 6", protocol);
  text.rdata().push_back(static_cast<std::uint8_t>(number));
  const std::size_t start = text.rdata().size();
  while (!text.tokens().empty()) {
    TRY(const Token service, text.take("a service"));
    if (!parse_named(service.text, kServices, 65535, number))
      return text.not_a("a service, such as smtp or 25", service);
    const std::size_t byte = start + number / 8;
    if (text.rdata().size() <= byte) text.rdata().resize(byte + 1);
    text.rdata()[byte] = static_cast<std::uint8_t>(text.rdata()[byte] | 0x80U >> number % 8);
  }
  return {};
}

}  // namespace swage::zonefile
