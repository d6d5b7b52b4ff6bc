// Journal: what a broker logs and counts of its requests. In the service process.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "core/libp2p/peer_id.h"
#include "core/net.h"
#include "core/plugin/report.h"
#include "plugins/broker/clocks.h"
#include "plugins/broker/line_limit.h"
#include "plugins/broker/measures.h"
#include "plugins/broker/verdict.h"

namespace swage::plugins::broker {

class Journal {
 public:
  // `name`: of the plugin, in the log.
  Journal(std::string name, Measures measures, Clocks::Read steady);
  ~Journal() { close(); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // An unauthenticated request was refused. Anybody can cause millions: only a few are logged.
  void refused(Measures::Unproven reason, const IpAddress& client, unsigned status, std::string_view why);

  // A peer was dialled. One that was reached may say what its software is, within 6 seconds; until then, and for one
  // that was not, it counts as what its request says.
  void reached(const libp2p::PeerId& peer, Agent requested_by);
  void not_reached(Agent requested_by) { measures_.probed(false, requested_by); }
  void identified(const libp2p::PeerId& peer, std::string_view agent);

  // A registration is over. `began`: by the steady clock.
  void decided(const libp2p::PeerId& peer, const IpAddress& client, const Verdict& verdict, std::int64_t began);

  // The last that were decided, and refused, the newest first.
  void report(Report& report) const;

  // Counts the peers that have not said in time what they are; or, at the end, all that have not said it yet.
  void measure();
  void close();

 private:
  struct Unidentified {
    libp2p::PeerId peer;
    Agent requested_by;
    std::int64_t since;
  };
  void count_unidentified(std::int64_t before);
  static void remember(std::deque<Report::Registration>& list, Report::Registration registration);

  std::string name_;
  Measures measures_;
  Clocks::Read steady_;
  std::deque<Unidentified> unidentified_;
  LineLimit lines_, lines_of_refusals_;
  // In the order of time. Apart: anybody can cause refusals.
  std::deque<Report::Registration> decided_, refused_;
};

}  // namespace swage::plugins::broker
