/* Inside decode: the methods of method.def. */
#ifndef RLAB_DECODE_METHOD_H
#define RLAB_DECODE_METHOD_H

#include "decode/decode.h"

#define X(name) extern const rlab_decode_method rlab_decode_##name;
#include "decode/method.def"
#undef X

#endif
