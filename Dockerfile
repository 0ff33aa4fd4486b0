# fastdeid for runs under any user, with a read-only root and no network. See docs/cluster.md.
# Any image with Python 3.11 or newer as `python`, its venv and useradd: --build-arg BASE=...
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
ARG EXTRAS=codecs,dask,s3
COPY pyproject.toml README.md LICENSE /src/
COPY fastdeid /src/fastdeid
COPY kernels /src/kernels
COPY profiles /src/profiles
RUN python -m venv /opt/fastdeid && /opt/fastdeid/bin/pip install --no-cache-dir "/src[${EXTRAS}]"

FROM ${BASE}
COPY --from=build /opt/fastdeid /opt/fastdeid
ENV PATH=/opt/fastdeid/bin:$PATH PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR=/opt/fastdeid/kernels
# Compile Python and kernels once, here; nobody writes to them again.
RUN python -m compileall -q /opt/fastdeid/lib \
    && mkdir /opt/fastdeid/kernels \
    && python -I -c "import pkgutil, importlib, fastdeid.kernels as k; [importlib.import_module(f'{k.__name__}.{m.name}') for m in pkgutil.iter_modules(k.__path__)]" \
    && chmod -R a=rX /opt/fastdeid/kernels \
    && useradd --no-create-home --uid 10001 fastdeid
USER fastdeid
ENTRYPOINT ["fastdeid"]
