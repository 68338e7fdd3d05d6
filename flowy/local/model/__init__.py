"""moto's model of SWF, completed and corrected: the only package that imports moto.

moto has domains, types, histories and decisions. This package subclasses them. It patches nothing
in moto and has no global state, so ``mock_aws()`` in the same process neither sees nor resets a
local SWF. Importing these modules imports moto, so only ``flowy.local.moto_loader`` does it, when a
LocalSWF starts.
"""
