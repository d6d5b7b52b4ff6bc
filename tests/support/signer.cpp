#include "tests/support/signer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/support/process.h"

#include <ldns/ldns.h>  // last: it defines bool and false as macros

namespace swage::tests {
namespace {

// The key's file name without its ending, which ldns-keygen prints.
Result<std::string> make_key(const Folder& folder, const std::string& name, bool signs_keys) {
  Command command{.arguments = {"ldns-keygen", "-a", "ECDSAP256SHA256"}, .folder = folder.path()};
  if (signs_keys) command.arguments.emplace_back("-k");
  command.arguments.push_back(name);
  TRY(std::string printed, run(command));
  while (printed.ends_with('\n')) printed.pop_back();
  return printed;
}

std::string to_text(const ldns_rr* record) {
  char* text = ldns_rr2str(record);
  std::string result(text);
  std::free(text);
  std::replace(result.begin(), result.end(), '\t', ' ');
  while (!result.empty() && (result.back() == '\n' || result.back() == ' ')) result.pop_back();
  return result;
}

}  // namespace

std::string_view to_string(Signing signing) {
  switch (signing) {
    case Signing::none:
      return "unsigned";
    case Signing::nsec:
      return "NSEC";
    case Signing::nsec3:
      return "NSEC3";
    case Signing::nsec3_opt_out:
      return "NSEC3 with opt-out";
  }
  return "";
}

Result<WrittenZone> write_zone(const Folder& folder, const std::string& name, const std::string& text,
                               Signing signing) {
  const std::string file = folder.write(name + "zone", text);
  if (signing == Signing::none) return WrittenZone{file, ""};
  const std::string result = file + ".signed";
  Command command{.arguments = {"ldns-signzone", "-f", result, "-o", name}, .folder = folder.path()};
  if (signing != Signing::nsec) {
    for (const char* const each : {"-n", "-a", "1", "-t", "3", "-s", "abcd"}) command.arguments.emplace_back(each);
  }
  if (signing == Signing::nsec3_opt_out) command.arguments.emplace_back("-p");
  TRY(const std::string zone_key, make_key(folder, name, false));
  TRY(const std::string key_key, make_key(folder, name, true));
  for (const std::string& each : {file, zone_key, key_key}) command.arguments.push_back(each);
  TRY(run(command));
  return WrittenZone{result, read_file(folder.file(key_key + ".key"))};
}

Result<std::vector<std::string>> zone_records(const std::string& file) {
  std::vector<std::string> records;
  std::FILE* stream = std::fopen(file.c_str(), "r");
  if (stream == nullptr) return fail("cannot open {}", file);
  ldns_zone* zone = nullptr;
  const ldns_status status = ldns_zone_new_frm_fp(&zone, stream, nullptr, 0, LDNS_RR_CLASS_IN);
  std::fclose(stream);
  if (status != LDNS_STATUS_OK) return fail("{}: {}", file, ldns_get_errorstr_by_id(status));
  const ldns_rr_list* list = ldns_zone_rrs(zone);
  for (std::size_t at = 0; at < ldns_rr_list_rr_count(list); ++at)
    records.push_back(to_text(ldns_rr_list_rr(list, at)));
  records.push_back(to_text(ldns_zone_soa(zone)));
  ldns_zone_deep_free(zone);
  return records;
}

}  // namespace swage::tests
