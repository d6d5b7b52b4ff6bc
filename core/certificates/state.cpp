#include "core/certificates/state.h"

#include <utility>

#include "core/crypto/base64.h"
#include "core/crypto/pem.h"
#include "core/text.h"
#include "core/whole_file.h"

namespace swage::certificates {
namespace {

constexpr const char *kAccountKey = "account.key", *kAccount = "account.json";
constexpr std::size_t kMaxExternalKey = 4096;  // bytes

}  // namespace

Result<Stored> State::load() const {
  Stored stored;
  TRY(const auto record, folder_.read(file(".json")));
  if (record) stored.record = read_record(as_text(record->bytes()));
  if (stored.record.directory != settings_.directory || stored.record.names != settings_.names) {
    stored.record = {.issued_by = stored.record.issued_by, .directory = settings_.directory, .names = settings_.names};
  }
  TRY(const auto certificate, folder_.read(file(".pem")));
  if (!certificate) return stored;
  const Result<crypto::Issued> issued = crypto::read_issued(as_text(certificate->bytes()), settings_.names);
  if (issued) stored.issued = *issued;
  return stored;
}

Result<std::optional<Descriptor>> State::lock() const {
  TRY(folder_.make());
  return folder_.lock(file(".lock"));
}

Result<acme::AccountKey> State::account_key() const {
  TRY(auto pem, folder_.read(kAccountKey));
  if (!pem) {
    TRY(folder_.write_new(kAccountKey, acme::AccountKey::generate().to_pem().bytes()));
    TRY(pem, folder_.read(kAccountKey));
    if (!pem) return fail("{}: has gone", kAccountKey);
  }
  auto key = acme::AccountKey::from_pem(as_text(std::as_const(*pem).bytes()));
  if (!key) return fail("{}/{}: {}", settings_.folder, kAccountKey, key.error().text());
  return key;
}

Result<Keys> State::keys(OrderRecord& record) const {
  TRY(acme::AccountKey account, account_key());
  TRY(const auto written, folder_.read(kAccount));
  acme::Progress progress;
  if (written) {
    const AccountRecord known = read_account(as_text(written->bytes()));
    if (known.directory == settings_.directory) progress.account = known.account;
  }
  if (!record.order.empty()) {
    TRY(const auto pem, folder_.read(file(".new-key")));
    auto key = pem ? crypto::key_from_pem(as_text(pem->bytes())) : Result<crypto::EvpPrivateKey>(fail("none"));
    if (key) {
      progress.order = record.order;
      return Keys{std::move(account), *std::move(key), std::move(progress)};
    }
    record.order.clear();
  }
  crypto::EvpPrivateKey key = crypto::EvpPrivateKey::generate_ecdsa();
  TRY(folder_.write(file(".new-key"), crypto::key_to_pem(key).bytes()));
  return Keys{std::move(account), std::move(key), std::move(progress)};
}

Result<> State::keep(const acme::Progress& progress, OrderRecord& record) const {
  const std::string account = to_text(AccountRecord{settings_.directory, progress.account});
  TRY(const auto before, folder_.read(kAccount));
  if (!before || as_text(before->bytes()) != account) TRY(folder_.write(kAccount, as_bytes(account)));
  record.order = progress.order;
  return keep(record);
}

Result<> State::keep(const OrderRecord& record) const {
  return folder_.write(file(".json"), as_bytes(to_text(record)));
}

Result<> State::keep(const std::string& chain, const crypto::EvpPrivateKey& key, OrderRecord& record) const {
  const crypto::Secret pem = crypto::key_to_pem(key);
  crypto::Secret both(pem.bytes().size() + chain.size());
  std::ranges::copy(as_bytes(chain), std::ranges::copy(pem.bytes(), both.bytes().begin()).out);
  TRY(folder_.write(file(".pem"), std::as_const(both).bytes(), settings_.mode));
  record = {.issued_by = settings_.directory, .directory = settings_.directory, .names = settings_.names};
  TRY(keep(record));
  return folder_.remove(file(".new-key"));
}

Result<acme::ExternalAccount> State::external() const {
  TRY(std::string text, read_whole_file(settings_.external_file, kMaxExternalKey));
  std::string_view line = text;
  while (!line.empty() && !is_printable(line.back())) line.remove_suffix(1);
  auto key = crypto::from_base64url(line);
  if (!key || key->empty()) return fail("{}: expected a key in base64url", settings_.external_file);
  acme::ExternalAccount account{settings_.external_id, crypto::Secret::copy_of(*key)};
  crypto::wipe(*key);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return account;
}

}  // namespace swage::certificates
