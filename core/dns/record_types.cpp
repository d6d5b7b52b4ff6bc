#include "core/dns/record_types.h"

#include <algorithm>

#include "core/text.h"

namespace swage::dns {
namespace {

constexpr std::string_view kKeyNames = "flags,protocol,algorithm,public key";
constexpr std::string_view kDsNames = "key tag,algorithm,digest type,digest";
constexpr std::string_view kSigNames =
    "type covered,algorithm,labels,original TTL,expiration,inception,key tag,signer,signature";

// IANA "Resource Record (RR) TYPEs", by number.
constexpr auto kTypes = std::to_array<RecordType>({
    {Type{1}, "A", "a", "address"},
    {Type{2}, "NS", "O", "name server"},
    {Type{3}, "MD", "N", "host", check_obsolete},
    {Type{4}, "MF", "N", "host", check_obsolete},
    {Type{5}, "CNAME", "N", "target"},
    {Type{6}, "SOA", "NN4tttt", "primary server,mailbox,serial,refresh,retry,expire,minimum"},
    {Type{7}, "MB", "N", "host"},
    {Type{8}, "MG", "N", "mailbox"},
    {Type{9}, "MR", "N", "mailbox"},
    {Type{10}, "NULL"},
    {Type{11}, "WKS", "a1r", "address,protocol,services", check_wks, TextForm::wks},
    {Type{12}, "PTR", "N", "target"},
    {Type{13}, "HINFO", "cc", "CPU,operating system"},
    {Type{14}, "MINFO", "NN", "responsible mailbox,error mailbox"},
    {Type{15}, "MX", "2O", "preference,mail server"},
    {Type{16}, "TXT", "s", "text"},
    {Type{17}, "RP", "nn", "mailbox,name of the text"},
    {Type{18}, "AFSDB", "2n", "subtype,host"},
    {Type{19}, "X25", "c", "address", check_x25},
    {Type{20}, "ISDN", "cC", "address,subaddress", check_isdn},
    {Type{21}, "RT", "2n", "preference,host"},
    {Type{22}, "NSAP", "x", "address", nullptr, TextForm::nsap},
    {Type{23}, "NSAP-PTR", "n", "target"},
    {Type{24}, "SIG", "yg14dd2nb", kSigNames},
    {Type{25}, "KEY", "21gB", kKeyNames, check_key},
    {Type{26}, "PX", "2nn", "preference,RFC 822 domain,X.400 domain"},
    {Type{27}, "GPOS", "ccc", "longitude,latitude,altitude", check_gpos},
    {Type{28}, "AAAA", "q", "address"},
    {Type{29}, "LOC", "1111444", "version,size,horizontal precision,vertical precision,latitude,longitude,altitude",
     check_loc, TextForm::loc},
    {Type{30}, "NXT", "nv", "next name,types"},
    {Type{31}, "EID", "x", "endpoint"},
    {Type{32}, "NIMLOC", "x", "locator"},
    {Type{33}, "SRV", "222o", "priority,weight,port,target"},
    {Type{34}, "ATMA", "1r", "format,address", check_atma, TextForm::atma},
    {Type{35}, "NAPTR", "22cccn", "order,preference,flags,services,regexp,replacement", check_naptr},
    {Type{36}, "KX", "2n", "preference,exchanger"},
    {Type{37}, "CERT", "T2gb", "type,key tag,algorithm,certificate"},
    {Type{38}, "A6", "1r", "prefix length,address", check_a6, TextForm::a6},
    {Type{39}, "DNAME", "n", "target"},
    {Type{40}, "SINK", "111B", "meaning,coding,subcoding,data"},
    {Type{41}, "OPT"},
    {Type{42}, "APL", "r", "prefixes", check_apl, TextForm::apl},
    {Type{43}, "DS", "2g1x", kDsNames, check_ds},
    {Type{44}, "SSHFP", "11x", "algorithm,fingerprint type,fingerprint", check_sshfp},
    {Type{45}, "IPSECKEY", "111wB", "precedence,gateway type,algorithm,gateway,public key", check_ipseckey},
    {Type{46}, "RRSIG", "yg14dd2nb", kSigNames},
    {Type{47}, "NSEC", "nm", "next name,types", check_nsec},
    {Type{48}, "DNSKEY", "21gb", kKeyNames, check_dnskey},
    {Type{49}, "DHCID", "b", "data", check_dhcid},
    {Type{50}, "NSEC3", "112zhm", "hash algorithm,flags,iterations,salt,next hash,types", check_nsec3},
    {Type{51}, "NSEC3PARAM", "112z", "hash algorithm,flags,iterations,salt", check_nsec3param},
    {Type{52}, "TLSA", "111x", "usage,selector,matching type,certificate data", check_tlsa},
    {Type{53}, "SMIMEA", "111x", "usage,selector,matching type,certificate data", check_tlsa},
    {Type{55}, "HIP", "r", "data", check_hip, TextForm::hip},
    {Type{56}, "NINFO", "s", "text"},
    {Type{57}, "RKEY", "21gb", kKeyNames, check_rkey},
    {Type{58}, "TALINK", "nn", "previous name,next name"},
    {Type{59}, "CDS", "2g1x", kDsNames, check_cds},
    {Type{60}, "CDNSKEY", "21gb", kKeyNames, check_cdnskey},
    {Type{61}, "OPENPGPKEY", "b", "key"},
    {Type{62}, "CSYNC", "42m", "serial,flags,types"},
    {Type{63}, "ZONEMD", "411x", "serial,scheme,hash algorithm,digest", check_zonemd},
    {Type{64}, "SVCB", "2or", "priority,target,parameters", check_service, TextForm::service},
    {Type{65}, "HTTPS", "2or", "priority,target,parameters", check_service, TextForm::service},
    {Type{66}, "DSYNC", "yS2n", "type,scheme,port,target"},
    {Type{67}, "HHIT", "b", "data"},
    {Type{68}, "BRID", "b", "data"},
    {Type{99}, "SPF", "s", "text"},
    {Type{100}, "UINFO"},
    {Type{101}, "UID"},
    {Type{102}, "GID"},
    {Type{103}, "UNSPEC"},
    {Type{104}, "NID", "2k", "preference,node identifier"},
    {Type{105}, "L32", "2a", "preference,locator"},
    {Type{106}, "L64", "2k", "preference,locator"},
    {Type{107}, "LP", "2n", "preference,name of the locators"},
    {Type{108}, "EUI48", "6", "address"},
    {Type{109}, "EUI64", "E", "address"},
    {Type{128}, "NXNAME"},
    {Type{249}, "TKEY"},
    {Type{250}, "TSIG"},
    {Type{251}, "IXFR"},
    {Type{252}, "AXFR"},
    {Type{253}, "MAILB"},
    {Type{254}, "MAILA"},
    {Type{255}, "ANY"},
    {Type{256}, "URI", "22L", "priority,weight,target"},
    {Type{257}, "CAA", "1cl", "flags,tag,value", check_caa},
    {Type{258}, "AVC", "s", "text"},
    {Type{259}, "DOA", "441cD", "enterprise,type,location,media type,data"},
    {Type{260}, "AMTRELAY", "11W", "precedence,relay type,relay", check_amtrelay, TextForm::amtrelay},
    {Type{261}, "RESINFO", "s", "text"},
    {Type{262}, "WALLET", "s", "text"},
    {Type{263}, "CLA", "s", "text"},
    {Type{264}, "IPN", "8", "node number"},
    {Type{32768}, "TA", "2g1x", kDsNames, check_ds},
    {Type{32769}, "DLV", "2g1x", kDsNames, check_ds},
});
static_assert(std::ranges::is_sorted(kTypes, {}, &RecordType::type));

// The dense part of the table is reached by index: every record of a zone is looked up twice.
constexpr auto kByNumber = [] {
  std::array<const RecordType*, 265> types{};
  for (const RecordType& type : kTypes) {
    const auto number = static_cast<std::uint16_t>(type.type);
    if (number < types.size()) types[number] = &type;
  }
  return types;
}();

constexpr auto kByMnemonic = [] {
  std::array<std::uint8_t, kTypes.size()> order{};
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint8_t>(i);
  std::ranges::sort(order, {}, [](std::uint8_t index) { return kTypes[index].mnemonic; });
  return order;
}();
constexpr std::size_t kLongestMnemonic =
    std::ranges::max(kTypes, {}, [](const RecordType& type) { return type.mnemonic.size(); }).mnemonic.size();

// The names with one of these letters, of all types with a number below kSize. They must follow fields of
// fixed size.
template <std::size_t kSize>
constexpr auto names_of(std::string_view letters) {
  std::array<NamesInRdata, kSize> names{};
  for (const RecordType& type : kTypes) {
    if (type.fields.find_first_of(letters) == std::string_view::npos) continue;
    const std::string_view from = type.fields.substr(type.fixed_fields);
    const std::size_t count = std::min(from.find_first_not_of(letters), from.size());
    NamesInRdata& place = names.at(count == 0 ? kSize : static_cast<std::size_t>(type.type));  // else no constant
    place = {type.fixed_bytes, static_cast<std::uint8_t>(count)};
  }
  return names;
}

}  // namespace

constexpr std::array<NamesInRdata, 16> derived::kCompressedNames = names_of<16>("NO");
constexpr std::array<NamesInRdata, 66> derived::kHosts = names_of<66>("oO");

std::string_view RecordType::field_name(std::size_t index) const {
  std::string_view rest = names;
  for (; index > 0; --index) rest.remove_prefix(rest.find(',') + 1);
  return rest.substr(0, rest.find(','));
}

const RecordType* record_type(Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  if (number < kByNumber.size()) return kByNumber[number];
  const auto* const found = std::ranges::find(kTypes, type, &RecordType::type);
  return found == kTypes.end() ? nullptr : found;
}

const RecordType* record_type(std::string_view mnemonic) {
  if (mnemonic.size() > kLongestMnemonic) return nullptr;
  std::array<char, kLongestMnemonic> upper;
  std::ranges::transform(mnemonic, upper.begin(), to_upper);
  const std::string_view wanted(upper.data(), mnemonic.size());
  const auto name_of = [](std::uint8_t index) { return kTypes[index].mnemonic; };
  const auto* const found = std::ranges::lower_bound(kByMnemonic, wanted, {}, name_of);
  return found == kByMnemonic.end() || name_of(*found) != wanted ? nullptr : &kTypes[*found];
}

std::optional<std::size_t> first_name(Type type, Bytes rdata) {
  const RecordType* const known = record_type(type);
  if (known == nullptr) return std::nullopt;
  std::size_t at = 0;
  for (const char field : known->fields) {
    if (is_name_field(field)) return at;
    if (fixed_size(field) == 0 && (field != 'c' || at >= rdata.size())) return std::nullopt;
    at += field == 'c' ? 1U + rdata[at] : fixed_size(field);
  }
  return std::nullopt;
}

}  // namespace swage::dns
