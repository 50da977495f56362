#include "andiron/nn/compiled_model.hpp"

#include <algorithm>
#include <optional>

#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/nn/accumulator.hpp"
#include "andiron/nn/constrained_step.hpp"
#include "andiron/nn/fit_tensor.hpp"
#include "andiron/nn/masks.hpp"
#include "andiron/nn/optimizers/exchange.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

struct CompiledModel::Form {
  std::shared_ptr<const Graph> graph;
  size_t n_x = 0, n_y = 0, n_weights = 0;
  size_t n_reported = 0, n_predictions = 0, n_tables = 0;
  bool searches = false;                // the last output is the gradient
  std::shared_ptr<const Graph> update;  // of a step that is spread over several batches
  std::vector<std::string> names;       // of all inputs, for errors
  std::vector<std::string> reported;
  // Memory that every step uses again; predictions are made anew when the rows change.
  std::vector<Tensor> src, dst;
  // Kept between steps of one size, so that a step takes no lock.
  std::optional<PlanCache::Lease> plan;
  int64_t plan_rows = -1;
};

CompiledModel::CompiledModel(ModelPtr model, CompileOptions options)
    : model_(std::move(model)), options_(std::move(options)) {
  if (model_ == nullptr) fail("[compile] there is no model");
  // Its plans, for training and evaluation and each size of a batch, run one after another.
  options_.plan.workspace = std::make_shared<exec::Workspace>();
  if (options_.own_steps != nullptr) {
    options_.losses.assign(model_->outputs().size(), nullptr);
    options_.optimizer = nullptr;
    return;
  }
  const size_t n = model_->outputs().size();
  if (options_.losses.size() == 1 && n > 1) options_.losses.assign(n, LossPtr(options_.losses[0]));
  if (!options_.losses.empty() && options_.losses.size() != n)
    fail("[compile] the model has {} outputs; got {} losses", n, options_.losses.size());
  if (!options_.loss_weights.empty() && options_.loss_weights.size() != n)
    fail("[compile] the model has {} outputs; got {} loss_weights", n,
         options_.loss_weights.size());
  if (std::all_of(options_.losses.begin(), options_.losses.end(),
                  [](const LossPtr& loss) { return loss == nullptr; }))
    fail("[compile] needs a loss for one output at least");
  for (const LossPtr& loss : options_.losses)
    if (loss != nullptr && loss->reduction() == Reduction::none)
      fail("[compile] the loss '{}' has reduction none, so that there is no number to minimise",
           loss->name());
  for (const LossPtr& loss : options_.losses)
    if (options_.exchange != nullptr && loss != nullptr &&
        loss->reduction() != Reduction::sum_over_batch_size)
      fail(
          "[compile] several workers train losses that are means over the samples; '{}' has "
          "reduction {}",
          loss->name(), name_of(loss->reduction()));
  if (options_.optimizer != nullptr && options_.optimizer->gradient_accumulation_steps() > 1) {
    for (const LossPtr& loss : options_.losses)
      if (loss != nullptr && loss->reduction() != Reduction::sum_over_batch_size)
        fail(
            "[compile] gradient_accumulation_steps is for losses that are means over the samples; "
            "'{}' has reduction {}",
            loss->name(), name_of(loss->reduction()));
    accumulator_ = std::make_unique<Accumulator>(options_.optimizer);
    accumulator_->clear();  // of what another model has added up with the optimizer
  }
  if (options_.exchange != nullptr)
    for (const VariablePtr& v : model_->trainable_variables()) options_.exchange->check(*v);
  // A mistake in losses or data types shows here, not in the first step.
  form(false, false);
}

CompiledModel::~CompiledModel() = default;

CompiledModel::Form& CompiledModel::form(bool training, bool weighted) {
  std::unique_ptr<Form>& slot = forms_[training ? 1 : 0][weighted ? 1 : 0];
  if (slot != nullptr) return *slot;
  auto form = std::make_unique<Form>();
  std::vector<Value> inputs = model_->placeholders();
  CallContext context;
  context.training = training;
  // Workers draw different numbers in the same step, and so do the batches of one step.
  const bool several = options_.exchange != nullptr || accumulator_ != nullptr;
  if (training) context.step = input(several ? "draw" : "step", DType::i64, {});
  Masks::Scope masks;
  const std::vector<Value> predictions = model_->apply(inputs, context);
  const std::vector<std::string> outputs = model_->output_names();
  form->n_x = inputs.size();
  form->names = model_->input_names();
  for (std::string& name : form->names) name = "input '" + name + "'";

  std::vector<Value> targets(predictions.size()), weights(predictions.size());
  for (size_t i = 0; i < predictions.size(); ++i) {
    if (options_.losses[i] == nullptr) continue;
    if (Masks::of(predictions[i]).defined())
      fail(
          "[compile] the output '{}' has a mask (of Masking or Embedding), which losses do not "
          "take: "
          "pool over its steps with GlobalAveragePooling1D, or weight the samples",
          outputs[i]);
    const TensorType type = options_.losses[i]->target_type(predictions[i].type());
    targets[i] = input("y_" + outputs[i], type.dtype, type.shape);
    inputs.push_back(targets[i]);
    form->names.push_back("target '" + outputs[i] + "'");
    ++form->n_y;
  }
  for (size_t i = 0; weighted && i < predictions.size(); ++i) {
    if (options_.losses[i] == nullptr) continue;
    weights[i] = input("sample_weight_" + outputs[i], DType::f32, {batch_dim()});
    inputs.push_back(weights[i]);
    form->names.push_back("sample_weight '" + outputs[i] + "'");
    ++form->n_weights;
  }

  std::vector<Value> results = {Value()};
  Value total;
  auto add = [&](const Value& value) { total = total.defined() ? total + value : value; };
  for (size_t i = 0; i < predictions.size(); ++i) {
    if (options_.losses[i] == nullptr) continue;
    NameScope scope("loss/" + outputs[i]);
    const Value loss = (*options_.losses[i])(targets[i], predictions[i], weights[i]);
    results.push_back(loss);
    const double factor = options_.loss_weights.empty() ? 1.0 : options_.loss_weights[i];
    add(factor == 1.0 ? loss : loss * factor);
  }
  {
    NameScope scope("loss/penalties");
    for (const Value& penalty : context.losses) add(penalty);
    for (const Value& penalty : model_->regularization_losses()) add(penalty);
  }
  results[0] = total;
  for (const auto& [name, value] : context.metrics) {
    form->reported.push_back(name);
    results.push_back(value.dtype() == DType::f32 ? value : ops::cast(value, DType::f32));
  }
  form->n_reported = form->reported.size();
  if (!training || options_.predictions_in_training) {
    form->n_predictions = predictions.size();
    results.insert(results.end(), predictions.begin(), predictions.end());
  }
  if (training) inputs.push_back(context.step);
  std::vector<Graph::Update> updates;
  for (const auto& [variable, value] : context.updates)
    if (training) updates.push_back({variable, value});
  Graph graph(std::move(inputs), std::move(results), std::move(updates));
  if (training) {
    if (options_.optimizer == nullptr) fail("[compile] training needs an optimizer");
    size_t n_scalars = several ? 2 : 0;  // draw, and share or samples
    if (accumulator_ != nullptr) {
      AccumulatedStep step =
          minimize_accumulated(graph, *model_, *options_.optimizer, options_.exchange);
      form->update = std::make_shared<const Graph>(std::move(step.update));
      form->n_tables = step.n_tables;
      graph = std::move(step.add);
    } else {
      graph = minimize(graph, *model_, *options_.optimizer, options_.exchange);
      n_scalars += options_.optimizer->scalar_names().size();
      form->searches = options_.optimizer->search() != nullptr;
    }
    ANDIRON_ASSERT(graph.inputs().size() ==
                   form->n_x + form->n_y + form->n_weights + n_scalars + 1);
  }
  form->graph = std::make_shared<const Graph>(std::move(graph));
  form->src.resize(form->graph->inputs().size());
  for (size_t i = form->n_x + form->n_y + form->n_weights; i < form->src.size(); ++i)
    form->src[i] = Tensor::zeros(form->graph->inputs()[i].dtype(), {});
  slot = std::move(form);
  return *slot;
}

const Graph& CompiledModel::train_graph(bool weighted) { return *form(true, weighted).graph; }
const Graph& CompiledModel::test_graph(bool weighted) { return *form(false, weighted).graph; }

namespace {

// A step of several evaluations, each of which gives figures and the gradient of all variables. Its
// figures are those of the first one: before the step, as any other optimizer's.
template <class Evaluate>
StepResult searched(BatchSearch& search, double learning_rate, Evaluate evaluate) {
  std::optional<StepResult> first;
  search.step(
      [&]() -> BatchSearch::Evaluated {
        const auto& [result, gradient] = evaluate();
        if (!first) {
          first = result;
          for (Tensor& t : first->predictions) t = t.clone();
        }
        return {result.loss,
                {gradient.template data<float>(), static_cast<size_t>(gradient.count())}};
      },
      learning_rate);
  return std::move(*first);
}

}  // namespace

const StepResult& CompiledModel::take(OwnSteps::Figures figures) {
  result_ = {};
  const auto named = std::find_if(figures.begin(), figures.end(),
                                  [](const auto& figure) { return figure.first == "loss"; });
  if (named != figures.end()) {
    result_.loss = named->second;
    figures.erase(named);
  } else {
    for (const auto& [name, value] : figures)
      if (name.ends_with("loss")) result_.loss += value;
  }
  result_.reported = std::move(figures);
  return result_;
}

const StepResult& CompiledModel::train_on_batch(const Batch& batch, double share) {
  if (options_.own_steps != nullptr) {
    const StepResult& result = take(options_.own_steps->train(batch));
    ++step_;
    return result;
  }
  if (accumulator_ != nullptr) return add_batch(batch, share);
  Form& f = form(true, !batch.sample_weight.empty());
  const int64_t next = step_ + 1;
  const std::vector<double> scalars = options_.optimizer->scalars_at(next);
  const bool several = options_.exchange != nullptr;
  size_t at = f.n_x + f.n_y + f.n_weights;
  if (several) *f.src[at++].data<int64_t>() = next * options_.exchange->workers() + options_.worker;
  for (double value : scalars) *f.src[at++].data<float>() = static_cast<float>(value);
  if (several) *f.src[at++].data<float>() = static_cast<float>(share);
  *f.src[at].data<int64_t>() = next;
  if (f.searches) {
    result_ = searched(*options_.optimizer->search(), scalars[0], [&] {
      const StepResult& result = run(f, batch);
      return std::pair<const StepResult&, const Tensor&>(result, f.dst.back());
    });
  } else {
    run(f, batch);
  }
  step_ = next;
  caught_up_ = false;
  return result_;
}

const StepResult& CompiledModel::add_batch(const Batch& batch, double share) {
  Form& f = form(true, !batch.sample_weight.empty());
  const size_t at = f.n_x + f.n_y + f.n_weights;
  const int64_t workers = options_.exchange == nullptr ? 1 : options_.exchange->workers();
  const int64_t samples = share > 0.0 && !batch.x.empty() ? batch.x[0].size(0) : 0;
  if (samples > 0) {
    *f.src[at].data<int64_t>() = accumulator_->draw(step_ + 1) * workers + options_.worker;
    *f.src[at + 1].data<float>() = static_cast<float>(samples);
    *f.src[at + 2].data<int64_t>() = step_ + 1;
    run(f, batch);
    caught_up_ = false;
    accumulator_->add(samples, std::span(f.dst).last(3 * f.n_tables));
  } else {
    accumulator_->add(0, {});
    no_result(f);
  }
  if (accumulator_->full()) finish_update();
  return result_;
}

void CompiledModel::no_result(const Form& f) {
  result_ = {};
  result_.output_losses.resize(f.n_y);
  for (const std::string& name : f.reported) result_.reported.emplace_back(name, 0.0);
}

void CompiledModel::finish_update() {
  if (!in_update()) return;
  const std::shared_ptr<const Graph>& update = form(true, false).update;
  accumulator_->update(update, step_ + 1, plans_, options_.plan);
  ++step_;
  caught_up_ = false;
}

void CompiledModel::drop_update() {
  if (accumulator_ != nullptr) accumulator_->clear();
}

bool CompiledModel::in_update() const {
  return accumulator_ != nullptr && accumulator_->batches() > 0;
}

const StepResult& CompiledModel::test_on_batch(const Batch& batch) {
  if (options_.own_steps != nullptr) {
    if (!options_.own_steps->test)
      fail("[evaluate] the model has steps of its own, and no test_step");
    return take(options_.own_steps->test(batch));
  }
  catch_up();
  return run(form(false, !batch.sample_weight.empty()), batch);
}

const StepResult& CompiledModel::run(Form& f, const Batch& batch) {
  if (batch.x.size() != f.n_x)
    fail("[batch] the model has {} inputs; got {}", f.n_x, batch.x.size());
  if (batch.y.size() != f.n_y)
    fail("[batch] there are {} losses; got {} targets", f.n_y, batch.y.size());
  if (f.n_weights > 0 && batch.sample_weight.size() != 1 &&
      batch.sample_weight.size() != f.n_weights)
    fail("[batch] there are {} losses; got {} sample weights", f.n_weights,
         batch.sample_weight.size());
  const std::vector<Value>& placeholders = f.graph->inputs();
  const size_t n_data = f.n_x + f.n_y + f.n_weights;
  for (size_t i = 0; i < n_data; ++i) {
    const Tensor& given = i < f.n_x           ? batch.x[i]
                          : i < f.n_x + f.n_y ? batch.y[i - f.n_x]
                          : batch.sample_weight.size() == 1
                              ? batch.sample_weight[0]
                              : batch.sample_weight[i - f.n_x - f.n_y];
    if (fits(given, placeholders[i].type())) {
      f.src[i] = given;
    } else {
      f.src[i] = fit_tensor(given, placeholders[i].type(), f.names[i]);
    }
    if (f.src[i].size(0) != f.src[0].size(0))
      fail("[batch] {} has {} rows but {} has {}", f.names[i], f.src[i].size(0), f.names[0],
           f.src[0].size(0));
  }
  const int64_t rows = f.src[0].size(0);
  if (rows == 0) fail("[batch] it is empty");

  const std::vector<Value>& outputs = f.graph->outputs();
  if (f.plan_rows != rows) {
    // Where memory runs out in between, the next call begins anew.
    f.plan.reset();
    f.plan_rows = -1;
    f.dst.clear();
    for (const Value& v : outputs)
      f.dst.push_back(v.rank() == 0 ? Tensor::zeros(v.dtype(), {}) : tensor_for(v.type(), rows));
    f.plan.emplace(plans_.checkout(f.graph, {{"batch", rows}}, options_.plan));
    f.plan_rows = rows;
  }
  (*f.plan)->run(f.src, f.dst);
  result_.loss = f.dst[0].item();
  result_.output_losses.clear();
  for (size_t i = 0; i < f.n_y; ++i) result_.output_losses.push_back(f.dst[1 + i].item());
  result_.reported.clear();
  for (size_t i = 0; i < f.n_reported; ++i)
    result_.reported.emplace_back(f.reported[i], f.dst[1 + f.n_y + i].item());
  const auto end = f.dst.end() - static_cast<std::ptrdiff_t>(3 * f.n_tables + (f.searches ? 1 : 0));
  result_.predictions.assign(end - static_cast<std::ptrdiff_t>(f.n_predictions), end);
  return result_;
}

void CompiledModel::catch_up() {
  if (caught_up_ || options_.optimizer == nullptr) return;
  const Graph graph = options_.optimizer->catch_up();
  if (!graph.updates().empty())
    eager::call(graph, {Tensor::full(DType::i64, {}, static_cast<double>(step_ + 1))});
  caught_up_ = true;
}

void CompiledModel::take_averages() {
  if (options_.optimizer != nullptr) options_.optimizer->take_averages();
  if (options_.own_steps != nullptr && options_.own_steps->take_averages)
    options_.own_steps->take_averages();
}

void CompiledModel::set_step(int64_t step) {
  step_ = step;
  caught_up_ = false;  // the variables may have been restored with it
  if (options_.optimizer != nullptr) options_.optimizer->set_iterations(step);
}

std::vector<VariablePtr> CompiledModel::state() {
  if (options_.optimizer != nullptr) form(true, false);
  std::vector<VariablePtr> out = model_->variables();
  if (options_.optimizer != nullptr)
    for (const VariablePtr& v : options_.optimizer->variables()) out.push_back(v);
  if (options_.own_steps != nullptr)
    for (const VariablePtr& v : options_.own_steps->state()) out.push_back(v);
  return out;
}

}  // namespace andiron::nn
