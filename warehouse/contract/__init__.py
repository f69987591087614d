"""The contract with NewStore: which events there are, what identifies them and which fields they carry.

Everything it states is data in events.toml; whoever holds a Contract may rely on all of it having been checked.
"""

from warehouse.contract.events import Contract, EventContract, Origin
from warehouse.contract.fields import FieldType, ListOf, Record, Scalar
from warehouse.contract.keys import KeyPart
from warehouse.contract.reading import load_contract

__all__ = ["Contract", "EventContract", "FieldType", "KeyPart", "ListOf", "Origin", "Record", "Scalar", "load_contract"]
