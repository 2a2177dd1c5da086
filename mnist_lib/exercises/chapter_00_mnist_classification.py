"""The exercises of chapter 0: three light ones, on parameters, on learning curves, on accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnist_lib.exercises.engine import Case, Exercise, OneOf, Reference

# --- one_layer ------------------------------------------------------------------------------------

_ONE_LAYER = ("parameters", "narrow", "model")


# --- fraction_right -------------------------------------------------------------------------------


def _accuracy(probabilities: Any, labels: Any) -> Any:
    return (probabilities.argmax(axis=1) == labels).mean()


def _rounded(digits: int) -> Any:
    """Return the answer of a reader who rounds to so many digits."""
    return lambda *inputs: round(float(_accuracy(*inputs)), digits)


def _network(seed: int, labels: Any, answers: Any) -> Any:
    """Return probabilities (N, 10) whose largest is the answer's, often without reaching half."""
    heights = np.full((len(labels), 10), 0.07)
    heights[np.arange(len(labels)), labels] = 0.25
    heights[np.arange(len(labels)), answers] = np.random.default_rng(seed).uniform(
        0.27, 1.0, size=len(labels)
    )
    return heights / heights.sum(axis=1, keepdims=True)


# As many images as classes, so that the wrong axis raises no error. In this order it gives a
# fraction that no other slip gives (rounded probabilities give 0.5, the wrong axis 0.6, the right
# one 0.7), and without an axis argmax finds no digit.
_LABELS = np.array([4, 4, 8, 2, 0, 7, 6, 9, 3, 1])
_TEN = (_network(13, _LABELS, np.array([4, 9, 8, 2, 0, 2, 6, 9, 3, 7])), _LABELS)
_SIX = (_network(1, _LABELS[:6], np.array([4, 9, 8, 2, 0, 7])), _LABELS[:6])  # 5 / 6


EXERCISES = (
    Exercise(
        id="00.one_layer",
        title="Change one layer",
        stars=2,
        minutes=12,
        form="experiment",
        type="table",
        hints=(
            "Copy the cell that builds model; call the network narrow, with 32 in place of 128. "
            "Which layers have other inputs or outputs than before? Count those again.",
            "A dense layer has (inputs + 1) · outputs parameters. Compile narrow like model; then "
            "narrow_history = narrow.fit(…) with the arguments of the cell that trained model.",
        ),
        shows="Two thirds of the parameters are gone, and at most a few of 100 digits are lost: "
        "how many numbers a layer holds does not say how much it matters.",
        cases=(
            Case(
                name="names",
                expect=lambda v: set(v) == set(_ONE_LAYER),
                mistake="Keep the three names of the dictionary.",
            ),
            Case(
                name="old network",
                slip=225_034,
                place="parameters",
                mistake="Those are the parameters of model. Count narrow, whose first dense layer "
                "has 32 outputs.",
            ),
            Case(
                name="next layer",
                slip=71_338,
                place="parameters",
                mistake="You changed the first dense layer alone. Its outputs are the inputs of "
                "the last layer, which needs fewer weights, too.",
            ),
            Case(
                name="biases",
                slip=OneOf(70_240, 70_336, 70_346, 70_368),
                place="parameters",
                mistake="Some biases are missing: one for each kernel, and one for each output of "
                "a dense layer.",
            ),
            Case(
                name="one layer alone",
                slip=OneOf(51_232, 51_562),
                place="parameters",
                mistake="Those are dense layers alone. The parameters of the convolutions have not "
                "changed, and they count as well.",
            ),
            Case(
                name="a quarter",
                slip=OneOf(56_258, 56_259, 56_258.5),
                place="parameters",
                mistake="A quarter of the outputs is not a quarter of all parameters: the "
                "convolutions stay as they are.",
            ),
            Case(
                name="wrong layer",
                slip=OneOf(113_386, 56_314),
                place="parameters",
                mistake="That is a network with 32 kernels in its second convolution. Keep its 64 "
                "kernels, and change the first dense layer.",
            ),
            Case(
                name="counted",
                expect=70_378,
                place="parameters",
                mistake="That is not yet the number of parameters of narrow: 320 and 18,496 for "
                "the convolutions, and (inputs + 1) · outputs for each dense layer.",
            ),
            Case(
                name="fractions",
                expect=lambda v: 0 <= v["narrow"] <= 1 and 0 <= v["model"] <= 1,
                mistake="Give accuracies as the lines do, as fractions between 0 and 1.",
            ),
            Case(
                name="model trained",
                expect=lambda v: v["model"] >= 0.92,
                mistake="The last val_accuracy of model is higher. Take it from the last line that "
                "its training printed, and not from a loss.",
            ),
            Case(
                name="narrow trained",
                expect=lambda v: v["narrow"] >= 0.88,
                mistake="narrow can do better. Did it train on train_set for as many epochs as "
                "model, and did you take val_accuracy after the last of them?",
            ),
            Case(
                name="exchanged",
                expect=lambda v: v["narrow"] <= v["model"] + 0.01,
                mistake="narrow reads clearly more digits than model? Have the two accuracies "
                "changed places, or did narrow train longer?",
            ),
        ),
    ),
    Exercise(
        id="00.reading",
        title="Which number would you report?",
        stars=2,
        minutes=6,
        form="find the fault",
        type="numbers",
        hints=(
            "Which column tells how the network does on digits that it was not trained on, and how "
            "sure it is of its mistakes? Find the smallest number there.",
            "One of 500 digits is 0.002 of them. For the third number, ask of each accuracy what "
            "its digits have been used for: to train, to choose an epoch, or for nothing.",
        ),
        shows="Only digits that have neither trained nor chosen anything give an honest number, "
        "and the highest of ten numbers may lead by a single digit.",
        cases=(
            Case(
                name="three numbers",
                expect=lambda v: len(v) == 3,
                mistake="There are three questions, so give a list of three numbers.",
            ),
            Case(
                name="highest accuracy",
                slip=9,
                place=0,
                mistake="In epoch 9 the validation accuracy is the highest. The question asks for "
                "the last new low of the validation loss: look at the column val_loss.",
            ),
            Case(
                name="training loss",
                slip=10,
                place=0,
                mistake="The training loss falls to the end, also while the network learns by "
                "heart: look at the validation loss.",
            ),
            Case(
                name="one late",
                slip=5,
                place=0,
                mistake="In epoch 5 the validation loss has already risen. Which epoch has the "
                "lowest?",
            ),
            Case(
                name="from zero",
                slip=3,
                place=0,
                mistake="The validation loss falls once more after epoch 3. If you used argmin, it "
                "counts positions from 0, and epochs are counted from 1.",
            ),
            Case(
                name="turn",
                expect=4,
                place=0,
                mistake="Look down the column val_loss: which epoch has the smallest number?",
            ),
            Case(
                name="a fraction",
                slip=OneOf(0.002, 0.2),
                place=1,
                mistake="That is a difference of accuracies, as a fraction or in per cent. How "
                "many of 500 digits is it?",
            ),
            Case(
                name="too many",
                slip=2,
                place=1,
                mistake="There are 500 validation digits, so one is 0.002 of them. Compare epoch 9 "
                "with the epoch in your first answer, not with the last.",
            ),
            Case(
                name="test digits",
                slip=10,
                place=1,
                mistake="You compared the validation accuracy with the test accuracy. Compare the "
                "validation accuracies of the two epochs.",
            ),
            Case(
                name="digits",
                expect=1,
                place=1,
                mistake="Take the validation accuracies of epoch 9 and of the epoch in your first "
                "answer, and multiply their difference by 500.",
            ),
            Case(
                name="per cent",
                expect=lambda v: v[2] <= 1,
                mistake="Give the accuracy as the lines do, as a fraction between 0 and 1.",
            ),
            Case(
                name="training accuracy",
                slip=OneOf(0.999, 1.0),
                place=2,
                mistake="That is her training accuracy. These digits have shaped the network, so "
                "it says little about new ones.",
            ),
            Case(
                name="validation accuracy",
                slip=OneOf(0.984, 0.98, 0.982),
                place=2,
                mistake="That is a validation accuracy. It has chosen the epoch, so it is probably "
                "a little too high, and a number that chose nothing is at hand.",
            ),
            Case(
                name="report",
                expect=[4, 1, 0.964],
                mistake="For the third number, look for the accuracy whose digits have been used "
                "neither for training nor for choosing.",
            ),
        ),
    ),
    Exercise(
        id="00.fraction_right",
        title="Zero per cent, yet every picture is right",
        stars=2,
        minutes=8,
        form="find the fault",
        type="number",
        inputs=_TEN,
        hints=(
            "Print the shape of probabilities, and the shape of what argmax returns. There should "
            "be one digit for each image.",
            "Without an axis, argmax counts through all the numbers. The ten probabilities of one "
            "image lie along axis 1.",
        ),
        shows="This is the accuracy that evaluate reports: the largest of the ten probabilities "
        "is the answer, however small it is.",
        cases=(
            Case(
                name="fraction",
                expect=lambda result, probabilities, labels: 0 <= result <= 1,
                mistake="A fraction lies between 0 and 1: give neither a percentage nor a count.",
            ),
            Case(
                name="nothing right",
                expect=lambda result, *inputs: result > 0,
                mistake="Your result is 0, as if no answer were right. argmax without an axis "
                "returns one number for all images: print its shape. And // drops a fraction.",
            ),
            Case(
                name="wrong axis",
                slip=lambda probabilities, labels: (probabilities.argmax(axis=0) == labels).mean(),
                mistake="You found the best image for each digit. Look for the best digit for "
                "each image.",
            ),
            Case(
                name="sorted",
                slip=lambda probabilities, labels: (
                    np.sort(probabilities, axis=1).argmax(axis=1) == labels
                ).mean(),
                mistake="Sorting moves each probability away from its digit, and sort() changes "
                "the array that you were given. argmax finds the largest where it stands.",
            ),
            Case(
                name="rounded first",
                slip=OneOf(
                    lambda probabilities, labels: (
                        np.round(probabilities).argmax(axis=1) == labels
                    ).mean(),
                    lambda probabilities, labels: (
                        (probabilities > 0.5).argmax(axis=1) == labels
                    ).mean(),
                ),
                mistake="Where no probability reaches one half, rounding them or comparing them "
                "with one half leaves no winner: look for the largest as they are.",
            ),
            Case(
                name="errors",
                slip=lambda *inputs: 1 - _accuracy(*inputs),
                mistake="That is the fraction of digits that are misread.",
            ),
            Case(
                name="half",
                slip=lambda probabilities, labels: (
                    probabilities[np.arange(10), labels] > 0.5
                ).mean(),
                mistake="The largest of the ten probabilities is the answer, even if it is "
                "smaller than one half.",
            ),
            Case(
                name="probabilities",
                slip=OneOf(
                    lambda probabilities, labels: probabilities.max(axis=1).mean(),
                    lambda probabilities, labels: probabilities[np.arange(10), labels].mean(),
                ),
                mistake="That is a mean probability: an answer counts as right or wrong, however "
                "sure the network is.",
            ),
            Case(
                name="a thousand",
                slip=lambda probabilities, labels: (
                    (probabilities.argmax(axis=1) == labels).sum() / 1000
                ),
                mistake="The friend had 1,000 images: divide by the number that the function is "
                "given.",
            ),
            Case(
                name="ten images",
                expect=Reference(_accuracy),
                mistake="Count the images whose most probable digit is the label, and divide by "
                "the number of images.",
            ),
            Case(
                name="rounded",
                inputs=_SIX,
                slip=OneOf(*(_rounded(digits) for digits in (1, 2, 3, 4))),
                mistake="You have rounded the fraction. Return it as it is, and round only what "
                "you print.",
            ),
            Case(
                name="other number",
                inputs=_SIX,
                expect=Reference(_accuracy),
                mistake="For ten images your result is right, for six it is not: divide by the "
                "number of images that the function is given.",
                explains_all=True,
            ),
        ),
    ),
)
