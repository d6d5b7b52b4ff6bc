// What lies in the folder, and when something is done.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "core/acme/acme_testing.h"
#include "core/certificates/schedule.h"
#include "core/certificates/state.h"
#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::certificates {
namespace {

using namespace std::chrono_literals;

Settings settings_in(const std::string& folder) {
  Settings settings;
  settings.names = {"a.example"};
  settings.folder = folder;
  settings.directory = "https://ca.example/dir";
  return settings;
}

// A chain by the CA for tests, for `key`.
std::string chain_for(const crypto::EvpPrivateKey& key) {
  acme::testing::TestCa ca;
  const acme::AccountKey account = acme::AccountKey::generate();
  acme::Issuance issuance(account, key, {.directory = "https://ca.example/dir", .names = {"a.example"}}, {});
  while (true) {
    const acme::Action action = issuance.next();
    if (const auto* const ask = std::get_if<acme::Ask>(&action)) {
      issuance.answered(ca.answer(*ask, account), 0);
      continue;
    }
    if (const auto* const publish = std::get_if<acme::Publish>(&action)) {
      ca.records.insert(publish->name + " " + publish->value);
    }
    if (const auto* const chain = std::get_if<acme::Chain>(&action)) return chain->pem;
    issuance.done();
  }
}

std::string text_of(const std::optional<crypto::Secret>& secret) {
  return secret ? std::string(as_text(secret->bytes())) : "none";
}

}  // namespace

TEST_CASE("certificates: an order and its key last; without its key it is given up") {
  const tests::Folder folder;
  const Settings settings = settings_in(folder.file("state"));
  const State state(settings);
  CHECK_FALSE(state.load()->issued);
  const auto locked = state.lock();
  REQUIRE((locked && locked->has_value()));
  CHECK_FALSE((*state.lock()).has_value());  // by nobody else

  OrderRecord record = state.load()->record;
  const auto keys = state.keys(record);
  REQUIRE(keys);
  REQUIRE(state.keep({"https://ca.example/account/1", "https://ca.example/order/1"}, record));
  record = state.load()->record;
  CHECK(record.order == "https://ca.example/order/1");
  const auto again = state.keys(record);
  CHECK(again->progress == acme::Progress{"https://ca.example/account/1", "https://ca.example/order/1"});
  CHECK(again->certificate.public_pkix() == keys->certificate.public_pkix());
  CHECK(again->account.jwk() == keys->account.jwk());

  std::filesystem::remove(settings.folder + "/a.example.new-key");
  const auto without = state.keys(record);
  CHECK(without->progress == acme::Progress{"https://ca.example/account/1", ""});
  CHECK(without->certificate.public_pkix() != keys->certificate.public_pkix());
}

TEST_CASE("certificates: a certificate is there as a whole, and for its owner alone unless it is told otherwise") {
  const tests::Folder folder;
  Settings settings = settings_in(folder.file("state"));
  settings.mode = GENERATE(0600, 0640, 0644);
  const State state(settings);
  REQUIRE(state.lock());
  OrderRecord record = state.load()->record;
  const auto keys = state.keys(record);
  const std::string chain = chain_for(keys->certificate);
  REQUIRE(state.keep(chain, keys->certificate, record));
  struct stat status{};
  REQUIRE(stat(settings.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == settings.mode);
  const auto stored = state.load();
  REQUIRE(stored->issued);
  CHECK(stored->record.issued_by == settings.directory);
  CHECK(stored->issued->public_key == keys->certificate.public_pkix());
  CHECK(tests::read_file(settings.path()).ends_with(chain));

  SECTION("another CA, or other names: what is known of orders is not theirs") {
    Settings other = settings;
    other.directory = "https://other.example/dir";
    CHECK(State(other).load()->record.issued_by == settings.directory);
    CHECK(State(other).load()->issued);
    other.names = {"a.example", "b.example"};
    CHECK_FALSE(State(other).load()->issued);
  }
  SECTION("files that are damaged are as if they were not there; what cannot be read is an error") {
    static_cast<void>(std::ofstream(settings.folder + "/a.example.json") << "{\"order\": 7, \"failures\": -1");
    static_cast<void>(std::ofstream(settings.folder + "/a.example.pem") << "nonsense");
    CHECK_FALSE(state.load()->issued);
    CHECK(state.load()->record.failures == 0);
    std::filesystem::remove(settings.folder + "/a.example.json");
    std::filesystem::create_directory(settings.folder + "/a.example.json");
    CHECK(state.load().error().text() == settings.folder + "/a.example.json: is not a regular file");
  }
  SECTION("an account's key that is damaged is not replaced by another one") {
    static_cast<void>(std::ofstream(settings.folder + "/account.key") << "nonsense");
    CHECK(state.keys(record).error().text() == settings.folder + "/account.key: no private key in PEM");
  }
}

TEST_CASE("certificates: the first of two accounts' keys stays") {
  const tests::Folder folder;
  const StateFolder state(folder.path());
  REQUIRE(state.write_new("key", as_bytes("first")));
  REQUIRE(state.write_new("key", as_bytes("second")));
  CHECK(text_of(*state.read("key")) == "first");
  REQUIRE(state.write("key", as_bytes("third")));
  CHECK(text_of(*state.read("key")) == "third");
  CHECK(text_of(*state.read("other")) == "none");
  CHECK(StateFolder("/nowhere/at/all").make().error().text() == "/nowhere/at/all: No such file or directory");
}

TEST_CASE("certificates: a clock that jumps") {
  constexpr std::int64_t kNow = 1'800'000'000, kYear = 365 * 86400;
  OrderRecord record;
  CHECK(pause_until(kNow + 10, record, false, kNow) == 10s);
  CHECK(pause_until(kNow + kYear, record, false, kNow) == 60s);  // looked at each minute
  CHECK(pause_until(kNow, record, false, kNow + kYear) == 0s);   // forward: now
  CHECK(pause_until(kNow, record, false, kNow - kYear) == 60s);  // back: later, but the certificate lives as long, too
  record.failures = 1;
  record.not_before = kNow + 3600;
  CHECK(pause_until(0, record, true, kNow) == 5s);
  CHECK(pause_until(0, record, true, kNow - kYear) == 0s);  // a pause of a year is of another clock
  CHECK(pause_until(0, record, true, kNow + kYear) == 0s);
}

}  // namespace swage::certificates
