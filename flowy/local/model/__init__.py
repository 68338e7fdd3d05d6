"""moto's model of SWF, completed where it is silent or wrong: the only door to moto.

moto brings domains, types, histories and decisions.  Its inside is touched in this
folder and nowhere else, by subclassing: nothing of moto is patched, nothing is global,
and ``mock_aws()`` in the same process neither sees nor wipes a local SWF.  Importing
these modules imports moto, so only ``flowy.local.extra`` does, once LocalSWF is used.
"""
