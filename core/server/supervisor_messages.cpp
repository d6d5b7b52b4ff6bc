// What the supervisor does when a child says something.
#include <signal.h>

#include <algorithm>

#include "core/log.h"
#include "core/server/child.h"
#include "core/server/supervisor.h"

namespace swage::server {

// Takes all messages of a child; a `generation` of nullptr: it is leaving, and only to be listened to. The child, and
// the generation, may be gone afterwards.
void Supervisor::receive(Generation* generation, ChildProcess& child) {
  while (true) {
    Result<std::optional<Message>> message = child.channel.receive();
    if (!message) {  // it is gone, as SIGCHLD will tell; or something was lost, and it has to begin anew
      child.kill(SIGKILL);
      return;
    }
    if (!message->has_value()) return;
    if (generation == nullptr) continue;
    const bool was_next = generation == next_.get();
    handle(*generation, child, std::move(**message));
    if (generation != current_.get() && generation != next_.get()) return;
    if (was_next && generation == current_.get()) continue;
  }
}

void Supervisor::handle(Generation& generation, ChildProcess& child, Message message) {
  switch (message.kind) {
    case Message::Kind::listen:
      if (&generation != next_.get()) return;
      if (const Result<Endpoint> endpoint = parse_endpoint(message.text)) generation.listen.push_back(*endpoint);
      return;
    case Message::Kind::listen_service:
      if (&generation != next_.get()) return;
      if (const Result<Endpoint> endpoint = parse_endpoint(message.text)) {
        generation.service_listen.push_back(*endpoint);
      }
      return;
    case Message::Kind::lameduck:
      generation.lameduck = drain_time(message);
      return;
    case Message::Kind::serves:
      if (&generation == next_.get()) generation.serves.push_back(std::move(message.text));
      return;
    case Message::Kind::snapshot:
      pass_on(generation, generation.snapshots, std::move(message));
      return;
    case Message::Kind::shared:
      pass_on(generation, generation.shared, std::move(message));
      return;
    case Message::Kind::service_memory:
      generation.service_memory[message.text] = std::move(message.descriptor);
      return;
    case Message::Kind::reload:
      reload();
      return;
    case Message::Kind::failed:
      if (&generation == next_.get()) {
        abandon_next(message.text);
      } else {
        log::error("{}: {}", child.name, message.text);
      }
      return;
    case Message::Kind::ready:
      break;
    default:
      return;
  }
  child.ready = true;
  if (&generation == current_.get()) {
    if (!child.worker) start_service(child);
    return;
  }
  if (!generation.workers_started) {
    if (const Result<> started = start_workers(generation); !started) abandon_next(started.error().text());
    return;
  }
  const auto is_ready = [](const ChildProcess& each) { return each.ready; };
  if (std::all_of(generation.children.begin(), generation.children.end(), is_ready)) put_in_force();
}

// Keeps memory that the service sent, for processes to come, and hands it to the dns processes there are.
void Supervisor::pass_on(Generation& generation, std::map<std::string, Descriptor>& kept, Message message) {
  for (ChildProcess& child : generation.children) {
    if (!child.worker) continue;
    Result<Descriptor> copy = message.descriptor.duplicate();
    if (copy) {
      child.channel.send({message.kind, message.text, std::move(*copy)});
    } else {  // without it the child would answer from what is old; its successor gets everything
      log::error("{}: {}: {}", child.name, message.text, copy.error().text());
      child.kill(SIGKILL);
    }
  }
  kept[message.text] = std::move(message.descriptor);
}

}  // namespace swage::server
