#include "core/transfer/client.h"

#include "tests/support/transfer_message.h"
#include "tests/support/upstream.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::transfer {
namespace {

using namespace std::chrono_literals;

async::Task<> transfer(async::Loop& loop, Primary primary, Times times, crypto::Random& random, std::string& said) {
  const dns::Name zone = *dns::Name::parse("example.org");
  const Limits limits;
  const std::optional<std::uint32_t> none;
  const auto received = co_await receive(loop, primary, zone, none, limits, random, times);
  said = received ? "all" : received.error().text();
}

}  // namespace

TEST_CASE("transfer: a primary that begins, and then sends next to nothing, is given up") {
  tests::UpstreamServer primary([](const tests::Packet& query, bool) {
    const std::string_view begin = "example.org. 60 SOA ns. host. 1 2 3 4 5\n";
    return tests::UpstreamServer::Reply{
        {tests::transfer_message(load_u16(query.data()), "example.org.", "AXFR", begin)}};
  });
  async::Loop loop;
  crypto::SystemRandom random;
  std::string said;
  loop.spawn(transfer(loop, {primary.endpoint()}, {.pace = 100ms}, random, said));
  loop.run();
  CHECK(said == primary.endpoint().to_string() + ": the primary is too slow");
  loop.spawn(transfer(loop, {primary.endpoint()}, {.message = 100ms}, random, said));
  loop.run();
  CHECK(said == primary.endpoint().to_string() + ": the primary is silent");
}

}  // namespace swage::transfer
