#include "tests/support/dynamodb.h"

#include <sstream>

#include "tests/support/peers.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

constexpr const char* kProgram = "build/interop/dynamodb";
constexpr Milliseconds kStart{60'000};

}  // namespace

bool DynamoDb::available() { return have_peer(kProgram); }

DynamoDb::DynamoDb(std::string table) : table_(std::move(table)) {
  Result<Process> process = Process::start({.arguments = {kProgram, std::to_string(port_.number()), table_}});
  if (!process) FAIL(process.error().text());
  process_ = *std::move(process);
  static_cast<void>(wait_until([&] { return !process_.running() || process_.output().ends_with('\n'); }, kStart));
  std::istringstream said(process_.output());
  std::string ready;
  said >> ready >> key_.id >> key_.secret >> temporary_.id >> temporary_.secret >> temporary_.token;
  if (ready != "ready" || temporary_.token.empty()) FAIL("no DynamoDB\n" << log());
}

std::string DynamoDb::endpoint() const { return "http://" + port_.v4().to_string(); }

std::vector<std::pair<std::string, std::string>> DynamoDb::environment() const {
  return {{"AWS_ACCESS_KEY_ID", key_.id},
          {"AWS_SECRET_ACCESS_KEY", key_.secret},
          {"AWS_REGION", kRegion},
          {"AWS_ENDPOINT_URL_DYNAMODB", endpoint()}};
}

std::size_t DynamoDb::requests() const {
  const std::string log = process_.errors();
  std::size_t count = 0;
  for (std::size_t at = 0; (at = log.find("\"POST / HTTP", at)) != std::string::npos; ++at) ++count;
  return count;
}

}  // namespace swage::tests
