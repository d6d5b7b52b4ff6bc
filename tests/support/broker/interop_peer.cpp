#include "tests/support/broker/interop_peer.h"

#include <charconv>
#include <cstdio>
#include <sstream>

#include "tests/support/peers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::tests {
namespace {

constexpr Milliseconds kStartPatience{30000};

std::string program(std::string_view peer) { return "build/interop/" + std::string(peer) + "-peer"; }

}  // namespace

std::vector<std::string> interop_peers() {
  std::vector<std::string> peers;
  for (const std::string peer : {"js", "go"}) {
    if (const std::string reason = read_file(program(peer) + ".none"); !reason.empty()) {
      std::fprintf(stderr, "SKIPPED: %s", reason.c_str());  // ./dev test says it again at its end
    } else if (have_peer(program(peer))) {
      peers.push_back(peer);
    }
  }
  return peers;
}

bool has_identities(std::string_view peer, libp2p::KeyType type) {
  return peer != "js" || type != libp2p::KeyType::ecdsa;
}

Command interop_command(std::string_view peer, const std::vector<std::string>& arguments) {
  Command command{.arguments = {program(peer)}};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  return command;
}

KeyFile::KeyFile(libp2p::KeyType type) : key_(libp2p::PrivateKey::generate(type)) {
  const crypto::Secret protobuf = key_.to_protobuf();
  path_ = folder_.write("key", as_text(protobuf.bytes()));
}

ListeningPeer::ListeningPeer(const Listening& listening, const KeyFile& identity) {
  Command command = interop_command(listening.peer, {"listen", "--transport", listening.transport, "--security",
                                                     listening.security, "--key", identity.path()});
  // For go, rust and js, whose logger has no warnings.
  command.environment = {
      {"GOLOG_LOG_LEVEL", "warn"}, {"RUST_LOG", "warn"}, {"DEBUG", "*:error"}, {"DEBUG_COLORS", "no"}};
  auto started = Process::start(command);
  REQUIRE(started);
  process_ = *std::move(started);
  INFO(listening.peer << ": " << process_.log());
  REQUIRE(process_.wait_for("ready\n", kStartPatience));
  const std::string output = process_.output();
  address_ = output.substr(0, output.find('\n'));
  REQUIRE(address_.ends_with("/p2p/" + identity.peer_id().to_base58()));
  const std::size_t port = address_.find("/tcp/") + 5;
  std::from_chars(address_.data() + port, address_.data() + address_.size(), port_);
}

std::string ListeningPeer::complaints() const {
  std::istringstream lines(process_.errors());
  std::string complaints;
  for (std::string line; std::getline(lines, line);) {
    const auto has = [&line](std::string_view mark) { return line.find(mark) != std::string::npos; };
    // js-libp2p's identify reads messages until the end of the stream, which is logged as an error, whoever it asks.
    const bool is_end = has("yamux:outbound:") && has(" reading 0/1 bytes");
    if (has("WARN") || has("ERROR") || (has(":error") && !is_end)) complaints += line + '\n';
  }
  return complaints;
}

}  // namespace swage::tests
