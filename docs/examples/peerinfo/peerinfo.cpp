// peerinfo: how many ACME challenges a libp2p peer has, in TXT, out of the challenge store of the server block; clients
// on its denylist are refused. In every dns process.
#include <chrono>

#include "core/denylist/denylist.h"
#include "core/forge/challenge_store.h"
#include "core/libp2p/peer_id.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::peerinfo {
namespace {

using swage::denylist::Denylist;

class PeerInfo : public Plugin {
 public:
  PeerInfo(forge::ChallengeStore store, Denylist denylist) : store_(store), denylist_(std::move(denylist)) {}

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    const auto peer = libp2p::PeerId::from_label(query.key.view().first_label());
    const bool below_zone = query.label_count == query.zone.label_count() + 1;
    if (!peer || !below_zone || query.qtype != dns::Type::txt) return next(query, response);
    const auto list = denylist_.find(query.client.address);
    if (list && list->denied()) {
      add_extended_error(response, dns::ExtendedError::prohibited, list->name);
      return Outcome::send;  // a response is REFUSED until somebody says otherwise
    }
    using std::chrono::system_clock, std::chrono::milliseconds;
    const auto now = std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    forge::Challenges challenges;
    const bool found = store_.find(peer->multihash(), now, challenges) == shm::Table::Found::yes;
    return answer_text(query, response, 0, found ? std::to_string(challenges.count) : "0");
  }

 private:
  forge::ChallengeStore store_;
  Denylist denylist_;
};

}  // namespace

// peerinfo
Result<> setup(Controller& controller) {
  controller.once();
  const std::string zone = controller.zones().front().to_string();  // which the store and the lists are named after
  const forge::ChallengeStore store(controller.shared(forge::ChallengeStore::name(zone)));
  Denylist denylist(controller.snapshot(Denylist::name(zone)), &controller.metrics());
  controller.add(std::make_unique<const PeerInfo>(store, std::move(denylist)));
  return {};
}

}  // namespace swage::plugins::peerinfo
