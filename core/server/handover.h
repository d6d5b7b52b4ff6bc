// An upgrade: another supervisor, of the program that lies at this one's path by now, takes the place of this one while
// the server serves. Between the two there is a channel, like those to children:
//
//     in force                                   its successor
//       TakeOver, sockets, memory, metrics,  →
//       HandedOver                                 reads the Corefile, sets itself up: as at a reload
//                                            ←     Ready: its dns processes serve
//       its children finish; Start           →     its service process runs
//       ProcessEnded for each; exits               is the server
//
// One that fails, or takes too long, ends, and nothing has changed. When the one in force dies meanwhile, the other has
// all it needs, and goes on by itself; if not all was handed over by then, as at a start.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/server/channel.h"
#include "core/server/child_process.h"
#include "core/server/messages.h"

namespace swage::server {

// How this program was started.
struct Invocation {
  std::string program;                 // its path
  std::vector<std::string> arguments;  // with its name
  std::optional<int> predecessor{};    // the descriptor of the channel to the supervisor whose place it is to take

  // REQUIRES: what lay at the program's path has not been replaced since.
  [[nodiscard]] static Invocation of_this_process(int count, char** arguments);
};

// The supervisor that is to take the place of this one, as that sees it. Killed when it is destroyed before it serves.
class Successor {
 public:
  // Starts the program at the path of this one, with its arguments and environment.
  [[nodiscard]] static Result<Successor> start(const Invocation& invocation);
  ~Successor();
  Successor(Successor&& other) noexcept;
  Successor& operator=(Successor&&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] Channel& channel() { return channel_; }
  [[nodiscard]] SteadyTime patience() const { return patience_; }
  // Whether it has said that it serves; what else it says is not listened to.
  [[nodiscard]] bool take_ready();
  void serves() { serves_ = true; }
  void ended() { pid_ = -1; }  // it was waited for
  [[nodiscard]] bool is_serving() const { return serves_; }

 private:
  Successor(pid_t pid, Channel channel);

  pid_t pid_;
  Channel channel_;
  SteadyTime patience_;  // until then it is to serve
  bool serves_ = false;
};

// The supervisor whose place this one takes, as this one sees it.
class Predecessor {
 public:
  using Take = std::function<Result<>(FromPredecessor)>;

  explicit Predecessor(int descriptor);

  [[nodiscard]] Channel& channel() { return channel_; }
  // Hands what it says to `take` up to HandedOver, waiting for it. False where it is gone before that.
  [[nodiscard]] Result<bool> receive_all(const Take& take);
  // What has come since; false when it is gone.
  [[nodiscard]] bool receive(const Take& take);

  [[nodiscard]] bool has_left() const { return has_left_; }
  void left() { has_left_ = true; }

 private:
  Channel channel_;
  bool has_left_ = false;  // its children were told to finish
};

}  // namespace swage::server
