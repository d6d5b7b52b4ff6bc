#include "core/zonefile/mnemonics.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace swage::zonefile {
namespace {

// IANA "DNS Security Algorithm Numbers".
constexpr auto kAlgorithmNames = std::to_array<Mnemonic>({
    {"RSAMD5", 1},
    {"DH", 2},
    {"DSA", 3},
    {"RSASHA1", 5},
    {"DSA-NSEC3-SHA1", 6},
    {"RSASHA1-NSEC3-SHA1", 7},
    {"RSASHA256", 8},
    {"RSASHA512", 10},
    {"ECC-GOST", 12},
    {"ECDSAP256SHA256", 13},
    {"ECDSAP384SHA384", 14},
    {"ED25519", 15},
    {"ED448", 16},
    {"INDIRECT", 252},
    {"PRIVATEDNS", 253},
    {"PRIVATEOID", 254},
});
constexpr auto kCertificateTypeNames = std::to_array<Mnemonic>({
    {"PKIX", 1},
    {"SPKI", 2},
    {"PGP", 3},
    {"IPKIX", 4},
    {"ISPKI", 5},
    {"IPGP", 6},
    {"ACPKIX", 7},
    {"IACPKIX", 8},
    {"URI", 253},
    {"OID", 254},
});
constexpr auto kProtocolNames = std::to_array<Mnemonic>({{"icmp", 1}, {"tcp", 6}, {"egp", 8}, {"udp", 17}});
constexpr auto kSchemeNames = std::to_array<Mnemonic>({{"NOTIFY", 1}});

// RFC 1010, and what came since that zones name. A list of our own: what this machine's /etc/services says is not what
// a zone means.
constexpr auto kServiceNames = std::to_array<Mnemonic>({
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

}  // namespace

constexpr std::span<const Mnemonic> kAlgorithms = kAlgorithmNames;
constexpr std::span<const Mnemonic> kCertificateTypes = kCertificateTypeNames;
constexpr std::span<const Mnemonic> kDsyncSchemes = kSchemeNames;
constexpr std::span<const Mnemonic> kProtocols = kProtocolNames;
constexpr std::span<const Mnemonic> kServices = kServiceNames;

std::optional<std::uint16_t> number_of(std::string_view text, std::span<const Mnemonic> mnemonics) {
  if (text.empty() || is_digit(text.front())) return std::nullopt;
  const auto found = std::ranges::find_if(
      mnemonics, [text](const Mnemonic& mnemonic) { return equal_without_case(mnemonic.name, text); });
  return found == mnemonics.end() ? std::nullopt : std::optional(found->number);
}

}  // namespace swage::zonefile
