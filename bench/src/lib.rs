//! The benchmarks: criterion for the hot inner parts, a load run over HTTP.
