// bench_ways: an echo server on 127.0.0.1 that receives and sends in one of several ways. See way.h.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "tests/bench/ways/way.h"

namespace swage::bench {
namespace {

constexpr std::string_view kUsage =
    "usage: bench_ways one-by-one|batches|segmented|io_uring PORT [BATCH] [spin]   on 127.0.0.1; BATCH: 64";

struct Way {
  std::string_view name;
  Result<> (*run)(const WayOptions&);
};
constexpr Way kWays[] = {{"one-by-one", echo_one_by_one},
                         {"batches", echo_in_batches},
                         {"segmented", echo_segmented},
                         {"io_uring", echo_io_uring}};

Result<std::size_t> parse_number(std::string_view text, std::size_t most) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error != std::errc() || end != text.end() || number == 0 || number > most) return fail("{}", kUsage);
  return number;
}

Result<int> open_socket(std::size_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (descriptor < 0 || ::bind(descriptor, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
    return fail("127.0.0.1:{}: {}", port, std::strerror(errno));
  }
  return descriptor;
}

Result<> run(int count, char** arguments) {
  if (count < 3) return fail("{}", kUsage);
  WayOptions options;
  TRY(const std::size_t port, parse_number(arguments[2], 65535));
  for (int i = 3; i < count; ++i) {
    if (std::string_view(arguments[i]) == "spin") {
      options.spin = true;
    } else {
      TRY(options.batch, parse_number(arguments[i], 1024));
    }
  }
  TRY(options.descriptor, open_socket(port));
  for (const Way& way : kWays) {
    if (way.name == arguments[1]) return way.run(options);
  }
  return fail("{}", kUsage);
}

}  // namespace
}  // namespace swage::bench

int main(int count, char** arguments) {
  const auto result = swage::bench::run(count, arguments);
  if (!result) fmt::print(stderr, "bench_ways: {}\n", result.error().text());
  return 1;
}
