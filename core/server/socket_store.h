// The sockets of the server, which the supervisor keeps while processes and configurations come and go: what arrives
// meanwhile waits in them. Children get other descriptors of the same sockets.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "core/descriptor.h"
#include "core/net.h"
#include "core/result.h"
#include "core/server/messages.h"
#include "core/server/role.h"
#include "core/server/sockets.h"

namespace swage::server {

class SocketStore {
 public:
  // For each address where queries come in there are as many UDP sockets as `workers`, and as many TCP listeners.
  explicit SocketStore(std::size_t workers) : workers_(workers) {}

  // A socket that was open before this program ran: of the supervisor whose place this one takes, or of the service
  // manager. Those of the same address in the order of the workers. open() has it in place of one of its own.
  void give(Transport transport, const Endpoint& endpoint, Descriptor socket);
  // Closes what was given and no configuration has wanted; says which those were.
  [[nodiscard]] std::vector<Endpoint> drop_given();
  // All that are open, for another supervisor.
  [[nodiscard]] Result<std::vector<message::HeldSocket>> all() const;

  // Opens those that are not open yet. An Error names the address, with the line that asks for it; what was opened
  // until then stays: see keep_only().
  [[nodiscard]] Result<> open(const std::vector<message::Listen>& wanted);
  // Closes all others.
  void keep_only(const std::vector<message::Listen>& wanted);

  // Of those that are open. For one of the dns processes, or for the service process.
  [[nodiscard]] Result<std::vector<message::Socket>> for_worker(const std::vector<message::Listen>& wanted,
                                                                Role role) const;
  [[nodiscard]] Result<std::vector<message::Socket>> for_service(const std::vector<message::Listen>& wanted) const;

 private:
  [[nodiscard]] bool is_ours(const message::Listen& wanted) const;
  [[nodiscard]] Result<> open_one(const message::Listen& wanted);
  [[nodiscard]] std::vector<Descriptor> take_given(Transport transport, const Endpoint& endpoint);

  std::size_t workers_;
  std::map<Endpoint, SocketSet> queries_;
  std::map<Endpoint, Descriptor> services_;
  std::map<std::pair<Endpoint, Transport>, std::vector<Descriptor>> given_;
};

}  // namespace swage::server
