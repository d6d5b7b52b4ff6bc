#include "core/dns/rdata_format.h"

#include <algorithm>
#include <array>

namespace swage::dns {
namespace {

constexpr std::string_view kKeyNames = "flags,protocol,algorithm,public key";
constexpr std::string_view kDsNames = "key tag,algorithm,digest type,digest";
constexpr std::string_view kSigNames =
    "type covered,algorithm,labels,original TTL,expiration,inception,key tag,signer,signature";

// Every type of IANA's registry whose data have a form, by number.
constexpr auto kFormats = std::to_array<RdataFormat>({
    {Type::a, "a", "address"},
    {Type::ns, "n", "name server"},
    {Type::md, "n", "host", check_obsolete},
    {Type::mf, "n", "host", check_obsolete},
    {Type::cname, "n", "target"},
    {Type::soa, "nn4tttt", "primary server,mailbox,serial,refresh,retry,expire,minimum"},
    {Type::mb, "n", "host"},
    {Type::mg, "n", "mailbox"},
    {Type::mr, "n", "mailbox"},
    {Type{11}, "a1r", "address,protocol,services", check_wks},  // WKS
    {Type::ptr, "n", "target"},
    {Type::hinfo, "cc", "CPU,operating system"},
    {Type::minfo, "nn", "responsible mailbox,error mailbox"},
    {Type::mx, "2n", "preference,mail server"},
    {Type::txt, "s", "text"},
    {Type::rp, "nn", "mailbox,name of the text"},
    {Type::afsdb, "2n", "subtype,host"},
    {Type{19}, "c", "address", check_x25},               // X25
    {Type{20}, "cC", "address,subaddress", check_isdn},  // ISDN
    {Type::rt, "2n", "preference,host"},
    {Type{22}, "x", "address"},  // NSAP
    {Type{23}, "n", "target"},   // NSAP-PTR
    {Type::sig, "yg14dd2nb", kSigNames},
    {Type{25}, "21gB", kKeyNames, check_key},  // KEY
    {Type::px, "2nn", "preference,RFC 822 domain,X.400 domain"},
    {Type{27}, "ccc", "longitude,latitude,altitude", check_gpos},  // GPOS
    {Type::aaaa, "q", "address"},
    {Type{29}, "1111444", "version,size,horizontal precision,vertical precision,latitude,longitude,altitude",
     check_loc},  // LOC
    {Type::nxt, "nv", "next name,types"},
    {Type{31}, "x", "endpoint"},  // EID
    {Type{32}, "x", "locator"},   // NIMLOC
    {Type::srv, "222n", "priority,weight,port,target"},
    {Type{34}, "1r", "format,address", check_atma},  // ATMA
    {Type::naptr, "22cccn", "order,preference,flags,services,regexp,replacement", check_naptr},
    {Type::kx, "2n", "preference,exchanger"},
    {Type{37}, "T2gb", "type,key tag,algorithm,certificate"},  // CERT
    {Type{38}, "1r", "prefix length,address", check_a6},       // A6
    {Type::dname, "n", "target"},
    {Type{40}, "111B", "meaning,coding,subcoding,data"},  // SINK
    {Type{42}, "r", "prefixes", check_apl},               // APL
    {Type::ds, "2g1x", kDsNames, check_ds},
    {Type{44}, "11x", "algorithm,fingerprint type,fingerprint", check_sshfp},                     // SSHFP
    {Type{45}, "111wB", "precedence,gateway type,algorithm,gateway,public key", check_ipseckey},  // IPSECKEY
    {Type::rrsig, "yg14dd2nb", kSigNames},
    {Type::nsec, "nm", "next name,types", check_nsec},
    {Type::dnskey, "21gb", kKeyNames, check_dnskey},
    {Type{49}, "b", "data", check_dhcid},  // DHCID
    {Type::nsec3, "112zhm", "hash algorithm,flags,iterations,salt,next hash,types", check_nsec3},
    {Type::nsec3param, "112z", "hash algorithm,flags,iterations,salt", check_nsec3param},
    {Type::tlsa, "111x", "usage,selector,matching type,certificate data", check_tlsa},
    {Type{53}, "111x", "usage,selector,matching type,certificate data", check_tlsa},  // SMIMEA
    {Type{55}, "r", "data", check_hip},                                               // HIP
    {Type{56}, "s", "text"},                                                          // NINFO
    {Type{57}, "21gb", kKeyNames, check_rkey},                                        // RKEY
    {Type{58}, "nn", "previous name,next name"},                                      // TALINK
    {Type::cds, "2g1x", kDsNames, check_cds},
    {Type::cdnskey, "21gb", kKeyNames, check_cdnskey},
    {Type{61}, "b", "key"},                   // OPENPGPKEY
    {Type{62}, "42m", "serial,flags,types"},  // CSYNC
    {Type::zonemd, "411x", "serial,scheme,hash algorithm,digest", check_zonemd},
    {Type::svcb, "2nr", "priority,target,parameters", check_service},
    {Type::https, "2nr", "priority,target,parameters", check_service},
    {Type{66}, "yS2n", "type,scheme,port,target"},         // DSYNC
    {Type{67}, "b", "data"},                               // HHIT
    {Type{68}, "b", "data"},                               // BRID
    {Type{99}, "s", "text"},                               // SPF
    {Type{104}, "2k", "preference,node identifier"},       // NID
    {Type{105}, "2a", "preference,locator"},               // L32
    {Type{106}, "2k", "preference,locator"},               // L64
    {Type{107}, "2n", "preference,name of the locators"},  // LP
    {Type{108}, "6", "address"},                           // EUI48
    {Type{109}, "E", "address"},                           // EUI64
    {Type{256}, "22L", "priority,weight,target"},          // URI
    {Type::caa, "1cl", "flags,tag,value", check_caa},
    {Type{258}, "s", "text"},                                           // AVC
    {Type{259}, "441cD", "enterprise,type,location,media type,data"},   // DOA
    {Type{260}, "11W", "precedence,relay type,relay", check_amtrelay},  // AMTRELAY
    {Type{261}, "s", "text"},                                           // RESINFO
    {Type{262}, "s", "text"},                                           // WALLET
    {Type{263}, "s", "text"},                                           // CLA
    {Type{264}, "8", "node number"},                                    // IPN
    {Type{32768}, "2g1x", kDsNames, check_ds},                          // TA
    {Type{32769}, "2g1x", kDsNames, check_ds},                          // DLV
});
static_assert(std::ranges::is_sorted(kFormats, {}, &RdataFormat::type));

// The dense part of the table is reached by index: every record of a zone is looked up twice.
constexpr auto kByNumber = [] {
  std::array<const RdataFormat*, 265> formats{};
  for (const RdataFormat& format : kFormats) {
    const auto number = static_cast<std::uint16_t>(format.type);
    if (number < formats.size()) formats[number] = &format;
  }
  return formats;
}();

}  // namespace

std::string_view RdataFormat::field_name(std::size_t index) const {
  std::string_view rest = names;
  for (; index > 0; --index) rest.remove_prefix(rest.find(',') + 1);
  return rest.substr(0, rest.find(','));
}

const RdataFormat* rdata_format(Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  if (number < kByNumber.size()) return kByNumber[number];
  const auto* const found = std::ranges::find(kFormats, type, &RdataFormat::type);
  return found == kFormats.end() ? nullptr : found;
}

}  // namespace swage::dns
