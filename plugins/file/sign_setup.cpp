// Reads the block: sign { key file|directory … ; nsec3 … ; serial … ; signatures … }
#include "plugins/file/file.h"

namespace swage::plugins::file {

Result<> read_sign(Controller& controller, std::shared_ptr<const SigningOptions>& sign) {
  SigningOptions options{controller.token()};
  if (sign) return controller.fail_at(options.directive, "sign: stands twice");
  TRY(controller.read_block({
      {"key", [&] { return signing::read_key(controller, options.keys); }},
      {"keys", [&] { return signing::read_keys(controller, options.keys); }},
      {"nsec3", [&] { return signing::read_nsec3(controller, options.settings); }},
      {"serial", [&] { return signing::read_serial(controller, options.settings); }},
      {"signatures", [&] { return signing::read_signatures(controller, options.settings); }},
  }));
  if (options.keys.empty()) {
    return controller.fail_at(options.directive, "sign: expected 'key file KEY…' or 'key directory DIR' in its block");
  }
  sign = std::make_shared<const SigningOptions>(std::move(options));
  return {};
}

}  // namespace swage::plugins::file
