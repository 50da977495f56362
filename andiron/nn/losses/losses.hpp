#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "andiron/graph/graph.hpp"
#include "andiron/nn/loss.hpp"

/// Keras's losses under Keras's names, arguments and defaults. Each takes y_true and y_pred of one
/// shape unless said otherwise; the last axis is averaged over.
///
/// from_logits=false: y_pred are probabilities. Where they come straight from a sigmoid or softmax
/// (also through reshapes, for sigmoid), the loss is computed from that activation's input, which
/// is exact where the probability rounds to 0 or 1, as Keras's TensorFlow backend does. Otherwise
/// probabilities are clipped to [1e-7, 1 - 1e-7].
namespace andiron::nn {

/// mean (y_true - y_pred)^2
LossPtr MeanSquaredError(LossOptions options = {});
/// mean |y_true - y_pred|
LossPtr MeanAbsoluteError(LossOptions options = {});
/// 100 mean |y_true - y_pred| / max(|y_true|, 1e-7)
LossPtr MeanAbsolutePercentageError(LossOptions options = {});
/// mean (log(1 + y_true) - log(1 + y_pred))^2; numbers below 1e-7 are taken for 1e-7.
LossPtr MeanSquaredLogarithmicError(LossOptions options = {});
/// mean log(cosh(y_pred - y_true))
LossPtr LogCosh(LossOptions options = {});
/// mean(y_pred - y_true log(y_pred + 1e-7))
LossPtr Poisson(LossOptions options = {});
/// -cos of the angle between the rows
LossPtr CosineSimilarity(LossOptions options = {});
/// mean e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2
LossPtr Huber(double delta = 1.0, LossOptions options = {});
/// mean max(q e, (q - 1) e) with e = y_true - y_pred. With several quantiles the last axis of
/// y_pred is they, and that of y_true is 1. Koenker and Bassett 1978.
LossPtr Quantile(std::vector<double> quantiles = {0.5}, LossOptions options = {});

/// mean max(1 - y_true y_pred, 0) with labels -1 and 1; 0 is taken for -1.
LossPtr Hinge(LossOptions options = {});
/// The mean of its squares.
LossPtr SquaredHinge(LossOptions options = {});
/// max(max((1 - y_true) y_pred) - sum(y_true y_pred) + 1, 0) with one-hot labels
LossPtr CategoricalHinge(LossOptions options = {});
/// sum over j != y of max(s_j - s_y + margin, 0), labels are class ids. Weston and Watkins 1999.
LossPtr WestonWatkins(double margin = 1.0, LossOptions options = {});
/// max(max over j != y of s_j - s_y + margin, 0), class ids. Crammer and Singer 2001.
LossPtr CrammerSinger(double margin = 1.0, LossOptions options = {});

struct CrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0.0;
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = {};
};
/// -mean(y log p + (1 - y) log(1 - p))
LossPtr BinaryCrossentropy(CrossentropyOptions options = {});
/// -sum y log p over the last axis
LossPtr CategoricalCrossentropy(CrossentropyOptions options = {});

struct SparseCrossentropyOptions {
  bool from_logits = false;
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = {};
  std::optional<int64_t> ignore_class = {};  ///< such labels cost nothing and are not averaged over
};
/// -log p[label], labels of integers [batch, ...] or [batch, ..., 1]
LossPtr SparseCategoricalCrossentropy(SparseCrossentropyOptions options = {});

/// Lin et al. 2017.
struct BinaryFocalOptions : CrossentropyOptions {
  bool apply_class_balancing = false;  ///< alpha for labels 1, 1 - alpha for labels 0
  double alpha = 0.25, gamma = 2.0;
};
/// Binary cross-entropy times |y - p|^gamma
LossPtr BinaryFocalCrossentropy(BinaryFocalOptions options = {});
struct CategoricalFocalOptions : CrossentropyOptions {
  std::vector<double> alpha = {0.25};  ///< for all classes, or one for each
  double gamma = 2.0;
};
/// -sum alpha (1 - p)^gamma y log p
LossPtr CategoricalFocalCrossentropy(CategoricalFocalOptions options = {});
/// (1 - p[label]^q) / q, class ids. Zhang and Sabuncu 2018.
LossPtr CategoricalGeneralizedCrossEntropy(double q = 0.5, LossOptions options = {});
/// sum y_true log(y_true / y_pred), both at least 1e-7
LossPtr KLDivergence(LossOptions options = {});

/// 1 - 2 sum(y p) / (sum y + sum p), over `axes` or, without, over the whole batch as in Keras.
LossPtr Dice(std::vector<int64_t> axes = {}, LossOptions options = {});
/// 1 - sum(y p) / (sum(y p) + alpha sum(y (1 - p)) + beta sum(p (1 - y)))
LossPtr Tversky(double alpha = 0.5, double beta = 0.5, std::vector<int64_t> axes = {},
                LossOptions options = {});

/// max(margin - y (s_1 - s_2), 0): y_pred [..., 2] are two scores, y is 1 where the first must be
/// higher and -1 (or 0) where the second must.
LossPtr MarginRanking(double margin = 0.0, LossOptions options = {});
/// -mean log sigmoid(s_0 - s_j): y_pred [..., 1 + others] has the score of what was chosen in
/// front. y_true is not looked at. Rendle et al. 2009.
LossPtr BPR(LossOptions options = {});
/// mean y d^2 + (1 - y) max(margin - d, 0)^2: y_pred are distances, y is 1 for what belongs
/// together. Hadsell, Chopra and LeCun 2006.
LossPtr Contrastive(double margin = 1.0, LossOptions options = {});
/// max(|a - p| - |a - n| + margin, 0): y_pred [batch, 3, d] are an anchor, what it belongs to and
/// what it does not belong to; y_true is not looked at. `swap`: n is as near as to the nearer one.
LossPtr Triplet(double margin = 1.0, bool swap = false, LossOptions options = {});
/// The same for embeddings [batch, d] with class ids: triplets are found in the batch. "hard" has
/// each anchor's farthest positive and nearest negative (Hermans et al. 2017); "semi-hard" has for
/// each positive the nearest negative beyond it, else the farthest (Schroff et al. 2015), with n^3
/// numbers for a batch of n. Anchors without positives or negatives cost nothing.
LossPtr TripletMining(double margin = 1.0, const std::string& mining = "semi-hard",
                      LossOptions options = {});

/// Circle loss of embeddings [batch, d] of length 1 with class ids: Sun et al. 2020. Every pair of
/// the batch is weighted by how far it is from where it should be. `remove_diagonal`: a sample is
/// no pair with itself. Anchors without loss are not averaged over, as in Keras.
struct CircleOptions {
  double gamma = 80.0, margin = 0.4;
  bool remove_diagonal = true;
};
LossPtr Circle(const CircleOptions& circle = {}, LossOptions options = {});

/// A loss without its code: a graph from (y_true, y_pred) to the samples' losses.
LossPtr TracedLoss(Graph graph, LossOptions options = {});
/// A composition of the user's own, traced when the model is compiled; saved as its graph. It
/// returns [batch] or [batch, ...]. `target`: y_true's type where it is not y_pred's.
LossPtr CustomLoss(std::function<Value(const Value& y_true, const Value& y_pred)> function,
                   LossOptions options = {}, std::optional<TensorType> target = {});

}  // namespace andiron::nn
