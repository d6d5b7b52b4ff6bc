#include "core/dial/reserved_ports.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dial {

TEST_CASE("reserved ports: of services that strangers are not to be poked at through us") {
  for (const int port : {7,    19,   21,   22,   23,   25,   53,   110,  111,  135,  139,   143,  161,  179,
                         389,  445,  465,  514,  587,  631,  636,  873,  993,  995,  1433,  1521, 2049, 2375,
                         3306, 3389, 5060, 5432, 5900, 6000, 6379, 6667, 9100, 9200, 11211, 27017}) {
    INFO(port);
    CHECK_FALSE(reserved_port(static_cast<std::uint16_t>(port)).empty());
  }
  CHECK(reserved_port(22) == "SSH");
}

TEST_CASE("reserved ports: where nodes listen") {
  // What libp2p's and Ethereum's nodes have by default, and what proxies before them have; 0 is judged elsewhere.
  for (const int port : {0,    80,   81,   443,  444,  3000,  4000,  4001,  4002,  4003,  5001,  8000, 8080,
                         8081, 8443, 9000, 9001, 9090, 10000, 13000, 18080, 30303, 30333, 40000, 65535}) {
    INFO(port);
    CHECK(reserved_port(static_cast<std::uint16_t>(port)).empty());
  }
}

}  // namespace swage::dial
