"""From nearest neighbours to convolutional networks on CIFAR-10: the course as programs.

    python -m andiron.apps.course --data FOLDER --out FOLDER

`notebooks/cifar10.ipynb` goes the same way step by step; docs/course.md has the figures.
"""
