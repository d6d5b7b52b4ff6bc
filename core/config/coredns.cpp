#include "core/config/coredns.h"

#include <algorithm>
#include <array>

namespace swage::config {
namespace {

constexpr std::string_view kResolver =
    "swage asks other servers by 'forward' alone, and does no more with what they say";
constexpr std::string_view kOtherSource = "records come from files here; write a zone for 'file' or 'auto'";
constexpr std::string_view kEncrypted =
    "swage is asked over UDP, TCP, TLS (tls://) and HTTPS (https://); end all else in a proxy before it";
constexpr std::string_view kFiles = "zones come as files here; write them into the folder of 'auto', or for 'file'";
constexpr std::string_view kExternal =
    "an external plugin, which is Go code and cannot be loaded; docs/writing-a-plugin.md says how one is made here";

constexpr auto kAbsent = std::to_array<Absent>({
    {"grpc", kResolver},
    {"siit", kResolver},
    {"autopath", kResolver},
    {"erratic", "it is for testing resolvers; 'template' can answer with any rcode"},
    {"kubernetes", kOtherSource},
    {"k8s_external", kOtherSource},
    {"etcd", kOtherSource},
    {"nomad", kOtherSource},
    {"route53", kOtherSource},
    {"azure", kOtherSource},
    {"clouddns", kOtherSource},
    {"https", kEncrypted},
    {"https3", kEncrypted},
    {"quic", kEncrypted},
    {"grpc_server", kEncrypted},
    {"dynupdate", kFiles},
    {"geoip", "'view' tells clients apart by their networks: incidr(client_ip(), '192.0.2.0/24')"},
    {"trace", "'log' writes down what is asked and answered, 'prometheus' counts it"},
    {"multisocket", "there are as many sockets as dns processes already; remove the line"},
    {"shed", "it is about a limit of Go's runtime; remove the line"},
    {"on", "it runs commands; use the service manager for that"},
    // External ones.
    {"alias", kExternal},
    {"alternate", kExternal},
    {"blocklist", kExternal},
    {"dnsredir", kExternal},
    {"fanout", kExternal},
    {"gslb", kExternal},
    {"k8s_gateway", kExternal},
    {"mdns", kExternal},
    {"mysql", kExternal},
    {"netbox", kExternal},
    {"pdsql", kExternal},
    {"records", kExternal},
    {"redis", kExternal},
    {"redisc", kExternal},
    {"rrl", kExternal},
    {"unbound", kExternal},
    {"wgsd", kExternal},
});

}  // namespace

std::span<const Absent> absent_directives() { return kAbsent; }

const Absent* find_absent(std::string_view directive) {
  const auto* const found = std::ranges::find(kAbsent, directive, &Absent::directive);
  return found == kAbsent.end() ? nullptr : found;
}

}  // namespace swage::config
