#pragma once

#include <cstdint>

namespace andiron::io {

// Opcodes, as in Python's pickletools.
enum PickleOpcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kEmptyList = ']',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kEmptyTuple = ')',
  kSetItems = 'u',
  kEmptyDict = '}',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95
};

// Those that we do not run but know by name.
struct RefusedOpcode {
  uint8_t opcode;
  const char* name;
};
inline constexpr RefusedOpcode kRefused[] = {
    {'1', "POP_MARK"},    {'2', "DUP"},           {'F', "FLOAT"},
    {'I', "INT"},         {'L', "LONG"},          {'P', "PERSID"},
    {'S', "STRING"},      {'V', "UNICODE"},       {'d', "DICT"},
    {'g', "GET"},         {'i', "INST"},          {'l', "LIST"},
    {'o', "OBJ"},         {'p', "PUT"},           {0x81, "NEWOBJ"},
    {0x82, "EXT1"},       {0x83, "EXT2"},         {0x84, "EXT4"},
    {0x8b, "LONG4"},      {0x8e, "BINBYTES8"},    {0x8f, "EMPTY_SET"},
    {0x90, "ADDITEMS"},   {0x91, "FROZENSET"},    {0x92, "NEWOBJ_EX"},
    {0x96, "BYTEARRAY8"}, {0x97, "NEXT_BUFFER"},  {0x98, "READONLY_BUFFER"},
    {'B', "BINBYTES"},    {'C', "SHORT_BINBYTES"}};

}  // namespace andiron::io
