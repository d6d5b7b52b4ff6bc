#include "core/dial/report.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dial {

TEST_CASE("report: each address with its reason, those that were dialled first, on a line of bounded length") {
  Report report;
  CHECK(report.text() == "0 of 0 addresses dialled");
  report.not_dialled("/ip4/10.0.0.1/tcp/1", "not public");
  CHECK(report.text() == "0 of 1 address dialled: /ip4/10.0.0.1/tcp/1: not dialled: not public");
  report.dialled("/ip4/192.0.2.1/tcp/1", "connect: timed out");
  CHECK(report.text() ==
        "1 of 2 addresses dialled: /ip4/192.0.2.1/tcp/1: connect: timed out; "
        "/ip4/10.0.0.1/tcp/1: not dialled: not public");
  report.dialled("/dns4/" + std::string(1000, 'a'), std::string(1000, 'b'));
  CHECK(report.text().find(std::string(138, 'a') + "") != std::string::npos);
  CHECK(report.text().find("a...: bbb") != std::string::npos);
  for (int i = 0; i < 1000; ++i) report.not_dialled(std::string(100, 'x'), "y");
  CHECK(report.text().size() <= Report::kMaxText);
  CHECK(report.text().starts_with("2 of 1003 addresses dialled: "));
  CHECK(report.text().ends_with(" more"));
  Report unknown;
  unknown.not_dialled();
  CHECK(unknown.text() == "0 of 1 address dialled");
}

}  // namespace swage::dial
