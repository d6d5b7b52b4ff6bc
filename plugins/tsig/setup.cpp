// Reads the directive: tsig [ZONES...] { secret NAME KEY [ALGORITHM] ; secrets FILE ; require QTYPE...|all|none ;
// require_opcode OPCODE...|all|none }
#include <algorithm>

#include "core/text.h"
#include "plugins/tsig/tsig.h"

namespace swage::plugins::tsig {
namespace {

using swage::tsig::OwnKey;
using swage::tsig::Ring;

struct Settings {
  std::vector<OwnKey> keys;
  std::vector<std::string> files;
  Required required;
};

Result<> read_secret(Controller& controller, std::vector<OwnKey>& keys) {
  TRY(const std::string_view name, controller.expect_arg("the name of a key"));
  TRY(const std::string_view secret, controller.expect_arg("a secret in base64"));
  std::string_view algorithm;
  if (controller.next_arg()) algorithm = controller.val();
  TRY(OwnKey key, OwnKey::make(name, algorithm, secret));
  if (std::ranges::any_of(keys, [&](const OwnKey& each) { return each.key().name == key.key().name; })) {
    return controller.fail("there are two keys '{}'", key.key().name.to_string());
  }
  keys.push_back(std::move(key));
  return {};
}

Result<dns::Opcode> parse_opcode(std::string_view text) {
  for (const dns::Opcode opcode : {dns::Opcode::query, dns::Opcode::notify, dns::Opcode::update}) {
    if (equal_without_case(text, to_string(opcode))) return opcode;
  }
  return fail("'{}' is not an opcode that is answered here; they are QUERY, NOTIFY and UPDATE", text);
}

// VALUE... | all | none
template <typename T, typename Parse>
Result<> read_values(Controller& controller, std::string_view what, bool& all, std::vector<T>& values,
                     const Parse& parse) {
  const std::vector<std::string> words = controller.remaining_args();
  if (words.empty()) return controller.fail("expected {}, all or none after '{}'", what, controller.val());
  if (words.size() == 1 && equal_without_case(words[0], "none")) {
    all = false;
    values.clear();
    return {};
  }
  for (const std::string& word : words) {
    if (equal_without_case(word, "all")) {
      all = true;
    } else {
      TRY(const T value, parse(word));
      values.push_back(value);
    }
  }
  return {};
}

metrics::Counters count_requests(Controller& controller) {
  return controller.metrics().counters(
      "swage_tsig_requests_total",
      "Signed requests by what was found; \"unsigned\": refused, since a signature is required.", {},
      {{"result", {"unsigned", "good", "formerr", "badkey", "badsig", "badtime", "badtrunc"}}});
}

}  // namespace

Result<> setup(Controller& controller) {
  Settings settings;
  controller.once();
  const config::Token directive = controller.token();
  TRY(std::vector<dns::Name> zones, controller.remaining_zones());
  TRY(controller.read_block({
      {"secret", [&] { return read_secret(controller, settings.keys); }},
      {"secrets",
       [&]() -> Result<> {
         TRY(std::string path, controller.expect_path("the path of a file of keys"));
         settings.files.push_back(std::move(path));
         return {};
       }},
      {"require",
       [&] {
         return read_values(controller, "types", settings.required.all_types, settings.required.types,
                            [](std::string_view text) { return dns::parse_type(text); });
       }},
      {"require_opcode",
       [&] {
         return read_values(controller, "opcodes", settings.required.all_opcodes, settings.required.opcodes,
                            &parse_opcode);
       }},
  }));

  shm::Snapshot* snapshot = nullptr;
  if (!settings.files.empty()) {
    // Each directive its own: what stands twice depends on the keys that it has besides.
    snapshot = &controller.snapshot(formatted("tsig {}:{}", directive.file, directive.line));
  }
  TRY(Ring written, Ring::make(settings.keys));
  auto keys = std::make_unique<BlockKeys>(std::move(written), snapshot);
  controller.block().keys = keys.get();
  if (snapshot != nullptr && snapshot->claim()) {
    controller.add(std::make_unique<KeyFiles>(settings.files, directive, *keys, *snapshot));
  }
  controller.add(std::make_unique<const Tsig>(std::move(zones), std::move(settings.required), std::move(keys),
                                              count_requests(controller)));
  return {};
}

}  // namespace swage::plugins::tsig
