// State: all that a Keeper knows of its certificate, as it lies in the folder. Blocks; in the service process, on any
// thread, one at a time. Internal to core/certificates.
#pragma once

#include <optional>
#include <string>

#include "core/acme/issuance.h"
#include "core/acme/jws.h"
#include "core/certificates/record.h"
#include "core/certificates/settings.h"
#include "core/certificates/state_folder.h"
#include "core/result.h"

namespace swage::certificates {

// What is there.
struct Stored {
  std::optional<crypto::Issued> issued{};  // none: no certificate, or not one for these names
  OrderRecord record{};                    // of these names at this CA: else without an order and failures
};

// What an order needs.
struct Keys {
  acme::AccountKey account;
  crypto::EvpPrivateKey certificate;
  acme::Progress progress;
};

class State {
 public:
  // REQUIRES: `settings` outlives it.
  explicit State(const Settings& settings) : settings_(settings), folder_(settings.folder) {}

  [[nodiscard]] Result<Stored> load() const;
  [[nodiscard]] Result<std::optional<Descriptor>> lock() const;

  // REQUIRES of all that follows: locked. Keys that are not there are made: an order that has lost its key is given up.
  [[nodiscard]] Result<Keys> keys(OrderRecord& record) const;
  [[nodiscard]] Result<> keep(const acme::Progress& progress, OrderRecord& record) const;
  [[nodiscard]] Result<> keep(const OrderRecord& record) const;
  // The certificate takes the place of the one before.
  [[nodiscard]] Result<> keep(const std::string& chain, const crypto::EvpPrivateKey& key, OrderRecord& record) const;
  // The key of an account at the CA; REQUIRES: settings.external_file.
  [[nodiscard]] Result<acme::ExternalAccount> external() const;

 private:
  [[nodiscard]] Result<acme::AccountKey> account_key() const;
  [[nodiscard]] std::string file(const char* ending) const { return settings_.stem() + ending; }

  const Settings& settings_;
  StateFolder folder_;
};

}  // namespace swage::certificates
