#pragma once

#include <string>
#include <vector>

#include "andiron/nn/constraint.hpp"
#include "andiron/nn/layer.hpp"

/// Normalizations of each row by itself: the same in training and inference.
namespace andiron::nn {

/// A factor gamma and a shift beta behind a normalization, with Keras's arguments and defaults.
struct AffineOptions {
  double epsilon = 1e-3;
  bool center = true, scale = true;  ///< whether there is a beta, a gamma
  Initializer beta_initializer = "zeros", gamma_initializer = "ones";
  Regularizer beta_regularizer = {}, gamma_regularizer = {};
  Constraint beta_constraint = {}, gamma_constraint = {};
  std::string name = {};
  bool trainable = true;
};

/// Base of layers that have gamma and beta.
class AffineLayer : public Layer, public Constrained {
 public:
  explicit AffineLayer(AffineOptions options);
  nlohmann::json config() const override;

 protected:
  static AffineOptions options_from(const nlohmann::json& config);
  void add_weights(const Sizes& sizes);
  Value gamma() const { return gamma_ ? read(gamma_) : Value(); }
  Value beta() const { return beta_ ? read(beta_) : Value(); }
  double epsilon() const { return options_.epsilon; }

 private:
  AffineOptions options_;
  VariablePtr gamma_, beta_;
};

struct LayerNormalizationOptions {
  std::vector<int64_t> axis = {-1};  ///< those that are normalized together
  AffineOptions affine = {};
};

/// (x - mean) / sqrt(variance + epsilon) * gamma + beta over the axes, which gamma and beta have.
/// Ba, Kiros and Hinton 2016.
class LayerNormalizationLayer final : public AffineLayer {
 public:
  explicit LayerNormalizationLayer(LayerNormalizationOptions options = {});
  std::string class_name() const override { return "LayerNormalization"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  std::vector<int64_t> axis_;
};

/// Keras's arguments and defaults, but for axis: channels are axis 1 of [batch, C, spatial...].
struct GroupNormalizationOptions {
  int64_t groups = 32;  ///< -1: as many as channels
  int64_t axis = 1;
  AffineOptions affine = {};
};

/// The same over the channels of a group and all places; gamma and beta by channel. Wu and He 2018.
/// As InstanceNormalization each channel is a group. Ulyanov, Vedaldi and Lempitsky 2016.
class GroupNormalizationLayer final : public AffineLayer {
 public:
  enum class Kind { group, instance };
  explicit GroupNormalizationLayer(GroupNormalizationOptions options = {}, Kind kind = Kind::group);
  std::string class_name() const override;
  nlohmann::json config() const override;
  template <Kind kKind>
  static LayerPtr from_config(const nlohmann::json& config) {
    return make(config, kKind);
  }

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  static LayerPtr make(const nlohmann::json& config, Kind kind);
  int64_t axis_of(const Shape& shape) const;
  int64_t groups_, axis_;
  Kind kind_;
};

struct RMSNormalizationOptions {
  std::vector<int64_t> axis = {-1};
  double epsilon = 1e-6;
  std::string name = {};
  bool trainable = true;
};

/// x / sqrt(mean of x^2 over the axes + epsilon) * scale. Zhang and Sennrich 2019.
class RMSNormalizationLayer final : public Layer {
 public:
  explicit RMSNormalizationLayer(RMSNormalizationOptions options = {});
  std::string class_name() const override { return "RMSNormalization"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  RMSNormalizationOptions options_;
  VariablePtr scale_;
};

/// x / max(Euclidean norm of x over the axes, 1e-12).
class UnitNormalizationLayer final : public Layer {
 public:
  explicit UnitNormalizationLayer(std::vector<int64_t> axis = {-1}, LayerOptions options = {});
  std::string class_name() const override { return "UnitNormalization"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  std::vector<int64_t> axis_;
};

LayerRef LayerNormalization(LayerNormalizationOptions options = {});
LayerRef GroupNormalization(GroupNormalizationOptions options = {});
LayerRef InstanceNormalization(GroupNormalizationOptions options = {});
LayerRef RMSNormalization(RMSNormalizationOptions options = {});
LayerRef UnitNormalization(std::vector<int64_t> axis = {-1}, LayerOptions options = {});

}  // namespace andiron::nn
