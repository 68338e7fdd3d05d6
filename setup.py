"""Flowy's metadata; every tool's settings are in pyproject.toml."""

from __future__ import annotations

import runpy
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

# flowy.local subclasses moto's internals, so it accepts tested releases only (see
# flowy/local/moto_loader.py). moto 5.0 fails at import if the user's AWS settings are broken.
MOTO = ["moto>=5.1,<5.3"]

setup(
    name="flowy",
    version=runpy.run_path(str(HERE / "flowy" / "_version.py"))["__version__"],
    description="The Amazon SWF activity layer for Python",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    author="The Flowy authors",
    license="MIT",
    license_files=["LICENSE"],
    keywords=["aws", "swf", "simple workflow", "activity", "worker", "boto3"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Developers",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Topic :: System :: Distributed Computing",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=find_packages(include=["flowy", "flowy.*"]),
    package_data={"flowy": ["py.typed", "local/files/*"]},
    zip_safe=False,
    install_requires=[
        "boto3>=1.28.0",  # the first that knows AWS_ENDPOINT_URL_SWF
        "venusian>=3.1.0",  # the first that runs on Python 3.12
    ],
    extras_require={
        "completion": ["shtab>=1.9.3"],  # before it, scripts for bash and fish were faulty
        "local": MOTO,
        "testing": [*MOTO, "pytest>=8.4"],
        "json-logs": ["python-json-logger>=3.1"],  # its classes have their places since then
        "prometheus": ["prometheus-client>=0.20"],
        "otel": ["opentelemetry-api>=1.30"],
        "msgspec": ["msgspec>=0.19"],  # the first that runs on Python 3.13
        "fernet": ["cryptography>=43"],
        "kms": ["aws-encryption-sdk>=4.0.1"],
        "pydantic": ["pydantic>=2.13"],  # the first whose validators can be made for base64
    },
    entry_points={
        "console_scripts": ["flowy = flowy.__main__:run"],
        "pytest11": ["flowy = flowy.testing.plugin"],
        # OTEL_PYTHON_ID_GENERATOR=flowy; only the SDK loads it.
        "opentelemetry_id_generator": ["flowy = flowy.otel:RunIdGenerator"],
    },
    # A hidden folder: a copy of the sources beside them only gets in the way of searches.
    options={"build": {"build_base": ".build"}},
)
