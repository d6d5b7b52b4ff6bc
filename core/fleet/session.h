// Session: a nameserver in a fleet, from when it begins to read what is there: follows what is written, is a member and
// stays one, and becomes one again when it was cut off. Its Member, Replica and Acknowledgements decide; it waits for
// the engine and the clock. In the service process.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/crypto/random.h"
#include "core/fleet/acknowledgements.h"
#include "core/fleet/engine.h"
#include "core/fleet/layout.h"
#include "core/fleet/member.h"
#include "core/fleet/replica.h"
#include "core/shm/clock.h"
#include "core/shm/table.h"

namespace swage::fleet {

// What a Session works with; all of it outlives it.
struct Surroundings {
  async::Loop& loop;
  Engine& engine;
  shm::TableWriter& table;
  crypto::Random& random;
  shm::Clocks clocks;
  MemberTimes times{};

  // For the table.
  [[nodiscard]] std::int64_t now() const { return clocks.by(table.clock()); }
};

// What a server is called. An ID is NAME.PROCESS and eight digits more, which are random.
struct ServerName {
  std::string name{};     // by its operator, for each another one
  std::string process{};  // 8 hexadecimal digits: the same for all that its supervisor starts
};

class Session {
 public:
  struct News {
    std::string text{};
    bool is_warning = false;
  };

  // `moved` is called whenever something that is asked for
  // below may have changed, on the loop.
  Session(Surroundings around, ServerName server, std::function<void()> moved);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Gives why it is over: only another Session, which reads everything, can go on.
  [[nodiscard]] async::Task<EngineError> run();
  // Others need not wait for it any more. REQUIRES: run() has ended or was destroyed; the table is fenced.
  [[nodiscard]] async::Task<bool> leave();

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] bool joined() const { return member_ && member_->joined() && !why_ended_; }
  [[nodiscard]] Time valid_until() const { return joined() ? member_->valid_until() : Time(0); }
  [[nodiscard]] Revision seen() const { return member_ ? member_->seen() : 0; }
  [[nodiscard]] const Acknowledgements& acknowledgements() const { return acknowledgements_; }
  // Of every change: that the store is the one whose values were read. REQUIRES: joined().
  [[nodiscard]] Transaction::Condition in_this_store() const { return {.key = store_key(), .value = store_}; }
  // Entries that are left out: another program's, or a later version's.
  [[nodiscard]] std::uint64_t not_understood() const { return replica_.not_understood(); }
  // A later process of the same server has become a member.
  [[nodiscard]] bool has_successor() const { return has_successor_; }
  // What became of other members since the last call, for the log.
  [[nodiscard]] std::vector<News> take_news() { return std::exchange(news_, {}); }
  // What the engine said last that was not as it should be; empty where all is well.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  struct Reading;
  [[nodiscard]] async::Task<OrEngineError<>> read();
  [[nodiscard]] async::Task<OrEngineError<>> know_store();
  [[nodiscard]] async::Task<> read_values(Reading& reading);
  [[nodiscard]] async::Task<> follow();
  [[nodiscard]] async::Task<> keep();
  [[nodiscard]] async::Task<OrEngineError<>> keep_once();
  [[nodiscard]] async::Task<OrEngineError<>> become_member();
  [[nodiscard]] async::Task<OrEngineError<>> write(Time now);
  [[nodiscard]] async::Task<OrEngineError<>> renew(Time now);
  void take(const Batch& batch);
  void check_room();
  void take_node(const std::string& id, const Event& event);
  void begin_anew();
  void end(EngineError why);
  [[nodiscard]] Time time() const { return Time(around_.clocks.boot()); }
  void note_other(const std::string& id);

  Surroundings around_;
  const ServerName server_;
  const std::function<void()> moved_;
  std::string id_;
  std::string store_;  // what it is called: store_key()
  Lease lease_ = 0;
  bool lease_ended_ = false;
  std::optional<Member> member_;  // once all is read
  Replica replica_;
  Acknowledgements acknowledgements_;
  bool has_successor_ = false, has_namesake_ = false;
  std::string trouble_;
  std::vector<News> news_;
  std::optional<EngineError> why_ended_;
  async::Event changed_, watch_again_, ended_;
};

}  // namespace swage::fleet
