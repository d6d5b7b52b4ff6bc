// Reads the directive: sign DBFILE [ZONES…] { key file|directory … ; directory DIR ; nsec3 … ; serial … ; signatures …
// ; zonemd … }
#include <fmt/format.h>

#include "core/signing/key_service.h"
#include "plugins/sign/sign.h"

namespace swage::plugins::sign {
namespace {

constexpr std::string_view kDirectory = "/var/lib/swage";

// "db.example.org.signed"; '/' is a character of a label as others are.
std::string file_name(const dns::Name& zone) {
  std::string name = zone.to_string();
  if (name != ".") name.pop_back();
  for (std::size_t at = 0; (at = name.find('/', at)) != std::string::npos;) name.replace(at, 1, "\\047");
  return "db." + name + ".signed";
}

// One occurrence of the directive: its zones, which share file, keys and all else.
Result<> read_directive(Controller& controller, std::vector<SignedFile>& files) {
  TRY(const std::string path, controller.expect_path("the path of a zone file"));
  const config::Token directive = controller.token();
  SignedFile like{{}, path, "", directive};
  TRY(const std::vector<dns::Name> apexes, controller.remaining_zones());
  std::string folder(kDirectory);
  TRY(controller.read_block({
      {"key", [&] { return signing::read_key(controller, like.keys); }},
      {"keys", [&] { return signing::read_keys(controller, like.keys); }},
      {"directory", [&] { return assign(folder, controller.expect_path("the path of a folder")); }},
      {"nsec3", [&] { return signing::read_nsec3(controller, like.settings); }},
      {"serial", [&] { return signing::read_serial(controller, like.settings); }},
      {"signatures", [&] { return signing::read_signatures(controller, like.settings); }},
      {"zonemd", [&] { return signing::read_zonemd(controller, like.settings); }},
  }));
  if (like.keys.empty()) {
    return controller.fail_at(directive, "expected 'key file KEY…' or 'key directory DIR' in its block");
  }
  for (const dns::Name& apex : apexes) {
    like.apex = apex;
    like.signed_path = folder + "/" + file_name(apex);
    for (const SignedFile& other : files) {
      if (other.signed_path != like.signed_path) continue;
      return controller.fail_at(directive, "{} is already written to {}", apex.to_string(), like.signed_path);
    }
    files.push_back(like);
  }
  return {};
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<SignedFile> files;
  while (controller.next()) TRY(read_directive(controller, files));
  metrics::Registry& metrics = controller.metrics();
  for (SignedFile& file : files) {
    const metrics::Labels labels = {{"zone", file.apex.to_string()}};
    file.made = metrics.counter("swage_sign_signatures_made_total", "Signatures that were made for the zone.", labels);
    file.failures = metrics.counter("swage_sign_failures_total", "Times that the zone could not be signed.", labels);
    file.expiry = metrics.gauge("swage_sign_signature_expiry_timestamp_seconds",
                                "When the first signature in the file that was written expires.", labels);
    signing::add_key_service(controller, file.keys, {file.apex});
    controller.add(std::make_unique<SignService>(std::move(file)));
  }
  return {};
}

}  // namespace swage::plugins::sign
