#include "daemon/channel_frame.h"

#include <gtest/gtest.h>

namespace brume::daemon {
namespace {

TEST(ChannelFrame, IsReadAsItWasWritten) {
  EXPECT_EQ(read_frame(frame(Frame::input, "ab"))->bytes, "ab");
  EXPECT_EQ(read_frame(frame(Frame::output))->bytes, "");
  EXPECT_EQ(read_frame(frame(Frame::end_of_input))->kind, Frame::end_of_input);
  EXPECT_EQ(read_frame(frame(Frame::exit, "\xff"))->numbers[0], 255U);
  EXPECT_EQ(read_frame(frame(Frame::signal, "\x0f"))->numbers[0], 15U);
  EXPECT_EQ(read_frame(taken_frame(0x12345678))->numbers[0], 0x12345678U);
  const auto size = read_frame(resize_frame(40, 300));
  EXPECT_EQ(size->numbers[0], 40U);
  EXPECT_EQ(size->numbers[1], 300U);
}

TEST(ChannelFrame, WhatIsNoneIsRefused) {
  const std::string bad[] = {"",
                             "\x04",
                             "\x7f",
                             "\xff",
                             frame(Frame::end_of_input, "x"),
                             frame(Frame::resize, "abc"),
                             frame(Frame::resize),
                             frame(Frame::signal),
                             frame(Frame::exit, "ab"),
                             frame(Frame::taken, "abcde"),
                             frame(Frame::input, std::string(kMaxFrame + 1, 'x'))};
  for (const std::string& message : bad) EXPECT_FALSE(read_frame(message)) << message.size();
}

}  // namespace
}  // namespace brume::daemon
