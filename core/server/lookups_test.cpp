#include "core/server/lookups.h"

#include "core/plugin/lookup.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::server {
namespace {

using tests::PluginHarness;

// `alias TARGET`: the name of the server block is an alias of TARGET. `address`: it has an address. `fetched`: it is to
// be fetched first.
class Alias : public Plugin {
 public:
  explicit Alias(dns::Name target) : target_(target) {}
  Result<Outcome> serve(const Query& query, Response& response, Next) const override {
    answer_record(query, response, dns::Type::cname, 60, target_.view().bytes());
    return follow_out_of(query.zone, query, response);
  }

 private:
  dns::Name target_;
};

class Address : public Plugin {
  Result<Outcome> serve(const Query& query, Response& response, Next) const override {
    return answer_address(query, response, 60, query.client.address);
  }
};

class Fetched : public Plugin {
 public:
  explicit Fetched(const Fetch& fetch) : fetch_(fetch) {}
  Result<Outcome> serve(const Query&, Response& response, Next) const override {
    return fetch_.later(response, as_bytes("what is wanted"));
  }

 private:
  const Fetch& fetch_;
};

Result<> set_up_alias(Controller& controller) {
  controller.once();
  TRY(const std::string_view target, controller.expect_arg("a name"));
  TRY(const dns::Name name, dns::Name::parse(target));
  controller.add(std::make_unique<const Alias>(name));
  return {};
}

Result<> set_up_address(Controller& controller) {
  controller.once();
  controller.add(std::make_unique<const Address>());
  return {};
}

Result<> set_up_fetched(Controller& controller) {
  controller.once();
  controller.add(std::make_unique<const Fetched>(controller.fetch("fetched")));
  return {};
}

constexpr std::array kPlugins = {PluginType{"alias", &set_up_alias}, PluginType{"address", &set_up_address},
                                 PluginType{"fetched", &set_up_fetched}};

constexpr std::string_view kCorefile =
    "a.example {\n alias b.example\n}\nb.example {\n alias c.example\n}\nc.example {\n address\n}\n"
    "out.example {\n alias elsewhere.test\n}\nround.example {\n alias about.example\n}\n"
    "about.example {\n alias round.example\n}\nwaits.example {\n alias fetched.example\n}\n"
    "fetched.example {\n fetched\n}\n";

std::string ask(std::string_view question) { return PluginHarness(kPlugins, kCorefile).ask(question); }

}  // namespace

TEST_CASE("lookups: an alias is followed into other server blocks") {
  CHECK(ask("a.example. A") ==
        "NOERROR aa\na.example. 60 IN CNAME b.example.\nb.example. 60 IN CNAME c.example.\nc.example. 60 IN A "
        "192.0.2.7\n");
  CHECK(ask("a.example. CNAME") == "NOERROR aa\na.example. 60 IN CNAME b.example.\n");
  CHECK(ask("out.example. A") == "NOERROR aa\nout.example. 60 IN CNAME elsewhere.test.\n");
}

TEST_CASE("lookups: round and round has an end") {
  const std::string answer = ask("round.example. A");
  CHECK(answer.starts_with("SERVFAIL aa\nround.example. 60 IN CNAME about.example.\n"));
  CHECK(std::ranges::count(answer, '\n') == Lookup::kMost + 2);
}

TEST_CASE("lookups: what has to be fetched is waited for; where it cannot be, it is SERVFAIL") {
  CHECK(ask("waits.example. A") == "later: what is wanted");
  PluginHarness harness(kPlugins, kCorefile);
  harness.refuse_later(dns::Later::Refusal::failed);
  CHECK(harness.ask("waits.example. A") == "SERVFAIL aa\nwaits.example. 60 IN CNAME fetched.example.\n");
}

}  // namespace swage::server
