"""moto's model of SWF, completed and corrected: the only package that imports moto.

moto has domains, types, histories and decisions, which this package subclasses. It does not patch
moto and has no global state, so ``mock_aws()`` in the same process neither sees nor resets a local
SWF. Importing these modules imports moto, so only ``flowy.local.moto_loader`` does so, when a
LocalSWF starts.
"""
