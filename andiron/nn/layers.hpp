#pragma once

#include "andiron/nn/layers/activation.hpp"
#include "andiron/nn/layers/dense.hpp"
#include "andiron/nn/layers/dropout.hpp"
#include "andiron/nn/layers/embedding.hpp"
#include "andiron/nn/layers/input.hpp"
#include "andiron/nn/layers/merge.hpp"
#include "andiron/nn/layers/normalization.hpp"
#include "andiron/nn/layers/shape.hpp"
#include "andiron/nn/layers/traced.hpp"
#include "andiron/nn/layers/wide.hpp"
