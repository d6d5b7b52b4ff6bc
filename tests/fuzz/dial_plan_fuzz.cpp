// Addresses of any text, one a line, as a registration submits them: what is planned can be dialled, and names no more
// than what a socket, TLS and HTTP may be given.
#include <cstdlib>
#include <string>
#include <vector>

#include "core/dial/plan.h"
#include "core/libp2p/key.h"

namespace {

using namespace swage;

void expect(bool holds) {
  if (!holds) std::abort();
}

const libp2p::PeerId& peer() {
  static const libp2p::PeerId id =
      libp2p::PrivateKey::from_seed(std::vector<std::uint8_t>(32, 1)).public_key().peer_id();
  return id;
}

bool is_name(const std::string& name) {
  for (const char c : name) {
    if (c <= ' ' || c > '~' || (c >= 'A' && c <= 'Z')) return false;
  }
  return async::is_host_name(name) && !IpAddress::parse(name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> lines(1);
  for (const char c : as_text({data, size})) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  const dial::Plan plan = dial::plan(lines, peer(), 32);
  const auto& candidates = plan.candidates;
  expect(candidates.size() <= 32);
  expect(candidates.size() + plan.skipped.size() <= lines.size());
  expect(!plan.other_transports_only || candidates.empty());
  for (const dial::Skipped& each : plan.skipped) expect(each.index < lines.size() && !each.why.empty());
  for (const dial::Candidate& each : candidates) {
    expect(each.port != 0);
    const auto* const name = std::get_if<dial::HostName>(&each.host);
    expect(name == nullptr || is_name(name->name));
    expect(each.server_name.empty() || is_name(each.server_name));
    expect(each.transport != dial::Transport::tcp || each.server_name.empty());
    const std::vector<std::string> again = {each.address.to_string()};
    expect(dial::plan(again, peer(), 1).candidates.size() == 1);
  }
  return 0;
}
