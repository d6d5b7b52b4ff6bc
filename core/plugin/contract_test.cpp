// The contract with plugins that are loaded, as it lies in memory. Where this fails, a library that was built before
// the change would be wrong: raise kContract (core/plugin/loaded.h), and write down what is new here.
#include <array>
#include <bit>
#include <cstddef>

#include <fmt/format.h>

#include "core/denylist/denylist.h"
#include "core/forge/challenge_store.h"
#include "core/http/fetcher.h"
#include "core/libp2p/peer_id.h"
#include "core/plugin/cache_rules.h"
#include "core/plugin/fetched_answers.h"
#include "core/plugin/follow.h"
#include "core/plugin/http_endpoint.h"
#include "core/plugin/loaded.h"
#include "core/plugin/plugin.h"
#include "core/shm/flat_map.h"
#include "core/shm/table.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage {
namespace {

// The place of a virtual function in its table, in bytes (Itanium C++ ABI, 2.3: 1 + offset).
template <typename Function>
std::ptrdiff_t place(Function function) {
  return std::bit_cast<std::array<std::ptrdiff_t, 2>>(function)[0] - 1;
}

std::string layout() {
  using AddService = void (Controller::*)(std::unique_ptr<Service>);
  return fmt::format(
      "Query {} zone {}; Response {}; Record {}; ServerBlock {}; Dispenser {}; PluginType {}; Counter {}; Fetch {}; "
      "Snapshot {}; Shared {}; WorkerMemory {}; Name {}; Endpoint {}; Host {}; Fields {}; "
      "Plugin::serve {} sees {}; Filter::accepts {}; Observer::sent {}; Service::run {} measure {}; "
      "Host::shutting_down {}; "
      "Controller::add(Service) {} warn {}",
      sizeof(Query), offsetof(Query, zone), sizeof(Response), sizeof(dns::Record), sizeof(ServerBlock),
      sizeof(config::Dispenser), sizeof(PluginType), sizeof(metrics::Counter), sizeof(Fetch), sizeof(shm::Snapshot),
      sizeof(shm::Shared), sizeof(shm::WorkerMemory), sizeof(dns::Name), sizeof(Endpoint), sizeof(Host),
      sizeof(http::Fields), place(&Plugin::serve), place(&Plugin::sees), place(&Filter::accepts),
      place(&Observer::sent), place(&Service::run), place(&Service::measure), place(&Host::shutting_down),
      place(static_cast<AddService>(&Controller::add)), place(&Controller::warn));
}

// Of the headers beside core/plugin/plugin.h that docs/plugins.md names.
std::string layout_of_others() {
  return fmt::format(
      "Prefix {}; Metadata {}; Edns {}; EdnsOption {}; Later {}; CacheRules {}; Loop {}; Timer {}; Event {}; "
      "FollowedFiles {} Options {}; HttpEndpoint {}; http::Request {}; http::Response {}; Fetcher {} Settings {} "
      "Request {} Fetched {}; FlatMap {}; Segment {}; Table {} TableValues {}; FetchedQuestion {}; "
      "FetchedAnswers {}; AnswerStore {}; AnswerRoom {}; ChallengeStore {}; Denylist {} Match {}; PeerId {}",
      sizeof(Prefix), sizeof(Metadata), sizeof(dns::Edns), sizeof(dns::EdnsOption), sizeof(dns::Later),
      sizeof(CacheRules), sizeof(async::Loop), sizeof(async::Timer), sizeof(async::Event), sizeof(FollowedFiles),
      sizeof(FollowedFiles::Options), sizeof(HttpEndpoint), sizeof(http::Request), sizeof(http::Response),
      sizeof(http::Fetcher), sizeof(http::Fetcher::Settings), sizeof(http::Fetcher::Request),
      sizeof(http::Fetcher::Fetched), sizeof(shm::FlatMap), sizeof(shm::Segment), sizeof(shm::Table),
      sizeof(shm::TableValues), sizeof(FetchedQuestion), sizeof(FetchedAnswers), sizeof(AnswerStore),
      sizeof(AnswerRoom), sizeof(forge::ChallengeStore), sizeof(denylist::Denylist), sizeof(denylist::Match),
      sizeof(libp2p::PeerId));
}

}  // namespace

TEST_CASE("contract: its layout is that of its version") {
#if defined(__x86_64__) && defined(__GLIBCXX__)
  CHECK(kContract == 6);
  CHECK(layout() ==
        "Query 560 zone 512; Response 288; Record 48; ServerBlock 496; Dispenser 88; PluginType 32; Counter 8; Fetch "
        "264; Snapshot 136; Shared 168; WorkerMemory 120; Name 257; Endpoint 24; Host 80; Fields 24; Plugin::serve 16 "
        "sees 24; "
        "Filter::accepts 16; "
        "Observer::sent 16; Service::run 24 measure 40; Host::shutting_down 56; Controller::add(Service) 48 warn 112");
  CHECK(layout_of_others() ==
        "Prefix 18; Metadata 72; Edns 24; EdnsOption 24; Later 48; CacheRules 304; Loop 48; Timer 8; Event 32; "
        "FollowedFiles 136 Options 24; HttpEndpoint 88; http::Request 128; http::Response 64; Fetcher 328 Settings 312 "
        "Request 392 Fetched 160; FlatMap 16; Segment 32; Table 48 TableValues 456; FetchedQuestion "
        "264; FetchedAnswers 16; AnswerStore 280; AnswerRoom 64; ChallengeStore 8; Denylist 40 Match 24; PeerId 43");
#endif
}

}  // namespace swage
