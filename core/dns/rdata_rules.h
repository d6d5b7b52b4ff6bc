// What the data of some types must be beyond the form of their fields. Internal to core/dns.
#pragma once

#include <string_view>

#include "core/bytes.h"
#include "core/dns/rdata_check.h"
#include "core/result.h"

namespace swage::dns {

// As check_rdata(), without the type in front. Each is in the table of record_types.cpp, beside its types. REQUIRES:
// the fields of the type are all there.
using RdataRule = Result<std::string_view> (*)(Bytes rdata);

// rdata_rules.cpp
[[nodiscard]] Result<std::string_view> check_nsec(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_nsec3(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_nsec3param(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_caa(Bytes rdata);
// rdata_rules_dnssec.cpp
[[nodiscard]] Result<std::string_view> check_key(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_rkey(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_dnskey(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_cdnskey(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_ds(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_cds(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_sshfp(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_dhcid(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_tlsa(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_zonemd(Bytes rdata);
// rdata_rules_naptr.cpp, rdata_rules_service.cpp
[[nodiscard]] Result<std::string_view> check_naptr(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_service(Bytes rdata);
// rdata_rules_rare.cpp
[[nodiscard]] Result<std::string_view> check_obsolete(Bytes rdata);  // MD, MF
[[nodiscard]] Result<std::string_view> check_amtrelay(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_wks(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_x25(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_isdn(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_gpos(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_loc(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_atma(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_a6(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_apl(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_ipseckey(Bytes rdata);
[[nodiscard]] Result<std::string_view> check_hip(Bytes rdata);

}  // namespace swage::dns
