#include "compute/console_files.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "env/posix_files.h"

namespace brume::compute {
namespace {

namespace fs = std::filesystem;

class ConsoleFiles : public testing::Test {
 protected:
  ConsoleFiles() {
    char name[] = "/tmp/brume-console-XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~ConsoleFiles() override { fs::remove_all(folder); }
  void print(const std::string& text) {
    std::ofstream(folder + "/console.log", std::ios::app)
        << "2026-01-01T00:00:00.000000000+00:00 stdout F " << text << "\n";
  }
  // As conmon does.
  void rotate() {
    std::ofstream(folder + "/console.log.tmp").flush();
    fs::rename(folder + "/console.log.tmp", folder + "/console.log");
  }
  std::string read(std::size_t limit = 1000) { return read_console(files, folder, limit).value(); }

  env::PosixFiles files;
  std::string folder;
};

TEST_F(ConsoleFiles, WhatWasPrintedOutlivesARotation) {
  EXPECT_EQ(read(), "");
  print("one");
  EXPECT_EQ(read(), "one\n");
  print("two");
  rotate();
  EXPECT_EQ(read(), "one\ntwo\n");
  print("three");
  EXPECT_EQ(read(), "one\ntwo\nthree\n");
  EXPECT_EQ(read(8), "o\nthree\n");
  rotate();
  EXPECT_EQ(read(), "three\n");  // one log before the current is kept
  print("four");
  EXPECT_EQ(read(), "three\nfour\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 3);
}

TEST_F(ConsoleFiles, TheNewestIsNeverMissing) {
  print("one");
  keep_previous(folder);
  rotate();
  print("not looked at");
  rotate();
  print("newest");
  EXPECT_TRUE(read().ends_with("newest\n"));
}

}  // namespace
}  // namespace brume::compute
