#include "compute/consoles.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "compute/console_files.h"
#include "env/posix_files.h"
#include "env/temporary_folder.h"

namespace brume::compute {
namespace {

namespace fs = std::filesystem;

class ConsolesTest : public testing::Test {
 protected:
  ConsolesTest() { fs::create_directories(folder); }
  void print(const std::string& text, const char* ends = "F") {
    std::ofstream(folder + "/console.log", std::ios::app)
        << "2026-01-01T00:00:" << 10 + second++ << ".000000000+00:00 stdout " << ends << " " << text << "\n";
  }
  // As conmon does.
  void rotate() {
    std::ofstream(folder + "/console.log.tmp").flush();
    fs::rename(folder + "/console.log.tmp", folder + "/console.log");
  }
  // All that comes behind `at`, which is moved.
  std::string rest(bool ended = false) {
    std::string text;
    while (true) {
      const auto piece = consoles.next("i-1", at, ended);
      if (!piece || !*piece) return text;
      const auto again = consoles.again("i-1", (*piece)->range);
      EXPECT_EQ(again->lines, (*piece)->lines);
      for (const ConsoleLine& line : (*piece)->lines) text += line.text + ";";
      at = (*piece)->range;
    }
  }

  env::TemporaryFolder root;
  env::PosixFiles files;
  Consoles consoles{files, root.path()};
  const std::string folder = root.path() + "/instances/i-1";
  ConsoleRange at;
  int second = 0;
};

TEST_F(ConsolesTest, EachLineOnceOverRotations) {
  EXPECT_EQ(rest(), "");
  print("one");
  EXPECT_EQ(rest(), "one;");
  EXPECT_EQ(rest(), "");
  print("two");
  keep_previous(folder);
  rotate();
  EXPECT_EQ(rest(), "two;") << "it is in a log that is not the newest any more";
  print("three");
  keep_previous(folder);
  EXPECT_EQ(rest(), "three;");
  print("four");
  rotate();
  print("five");
  EXPECT_EQ(rest(), "four;five;");
  keep_previous(folder);
  EXPECT_EQ(rest(), "");
}

TEST_F(ConsolesTest, GoesOnWhereOneIsMissing) {
  print("one");
  EXPECT_EQ(rest(), "one;");
  keep_previous(folder);
  rotate();
  print("lost");
  rotate();
  print("three");
  keep_previous(folder);
  rotate();
  print("four");
  keep_previous(folder);
  EXPECT_EQ(rest(), "three;four;");
}

TEST_F(ConsolesTest, AnUnfinishedLineWaitsForItsEnd) {
  print("login: ", "P");
  EXPECT_EQ(rest(), "");
  print("root");
  EXPECT_EQ(rest(), "login: root;");
  print("password: ", "P");
  EXPECT_EQ(rest(true), "password: ;");
}

TEST_F(ConsolesTest, LastWordsAreKeptUntilForgotten) {
  print("one");
  EXPECT_EQ(rest(), "one;");
  keep_previous(folder);
  print("two");
  keep_last_words(folder, last_words(root.path(), "i-1"));
  fs::remove_all(folder);
  EXPECT_EQ(consoles.gone().value(), std::vector<std::string>{"i-1"});
  EXPECT_EQ(rest(true), "two;");
  keep_last_words(folder, last_words(root.path(), "i-1"));  // destroyed once more
  EXPECT_EQ(rest(true), "");
  ASSERT_TRUE(consoles.forget("i-1"));
  EXPECT_TRUE(consoles.gone()->empty());
  EXPECT_EQ(rest(true), "");
}

TEST_F(ConsolesTest, MuchComesInPieces) {
  std::string all;
  for (int i = 0; i < 20; ++i) {
    second = 0;
    const std::string line(30'000, char('a' + i));
    print(line);
    all += line + ";";
  }
  const auto first = consoles.next("i-1", {}, false);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->lines.size(), 8U);
  EXPECT_EQ(rest(), all);
}

}  // namespace
}  // namespace brume::compute
