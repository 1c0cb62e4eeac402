"""What one member of staff holds once their key file is unlocked.

Rules: no secret is in a ``repr``; an admin's key opens nothing and an editor's signs no roster.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Self

from fieldreport import limits
from fieldreport.errors import RosterError, SealError, UsageError
from fieldreport.seal import canonical
from fieldreport.seal.hybrid import PUBLIC_BYTES, HybridIdentity, HybridRecipient
from fieldreport.seal.roster import Entry, KeyState, Role, key_id
from fieldreport.unseal import recovery_codes
from fieldreport.unseal.key_part import Holder, Opener, Part
from fieldreport.unseal.passkey import Passkey
from fieldreport.unseal.signing_keys import SEED_BYTES, AdminKey, SigningKey

TOTP_SECRET_BYTES: Final = 20
_OPTIONAL: Final = ("holders", "passkeys", "recovery_codes")  # in a key file only where there are some


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffKey:
    """A person's private keys.

    ``identities``: what opens sealed objects, the newest first, none for an admin. ``signing``: for sign-offs and audit
    entries. ``totp``: the 20-byte secret of the second factor. ``admin``: signs rosters, an admin's only.
    ``recovery_codes``: digests (32 bytes) of those that were not used yet, in their order. ``passkeys``: at most eight.
    ``holders``: who opens the part of a key file that is bound to passkeys, in the order of their names: some of the
    passkeys, and every recovery code; none where it is not bound. ``part``: of the key file that this was read from.
    """

    handle: str
    role: Role
    identities: tuple[HybridIdentity, ...] = field(repr=False)
    signing: SigningKey = field(repr=False)
    totp: bytes = field(repr=False)
    admin: AdminKey | None = field(repr=False)
    recovery_codes: tuple[bytes, ...] = field(default=(), repr=False)
    passkeys: tuple[Passkey, ...] = field(default=(), repr=False)
    holders: tuple[Holder, ...] = field(default=(), repr=False)
    part: Part | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_admin = self.role is Role.ADMIN
        if self.role is Role.RECOVERY or is_admin != (self.admin is not None) or is_admin != (not self.identities):
            raise UsageError("an editor opens sealed objects, an admin signs rosters, and no person does both")
        if len(self.identities) > limits.KEYFILE_IDENTITIES:
            raise UsageError("too many old keys wait for re-wrapping; let it finish first")
        if len(self.totp) != TOTP_SECRET_BYTES:
            raise UsageError("a one-time password secret has 20 bytes")
        codes = self.recovery_codes
        if len(codes) > limits.RECOVERY_CODES or list(codes) != sorted(set(codes)):
            raise UsageError("recovery codes are a few, in order, none twice")
        if len(self.passkeys) > limits.PASSKEYS:
            raise UsageError(f"nobody has more than {limits.PASSKEYS} passkeys; remove one first")
        if len({each.credential for each in self.passkeys}) != len(self.passkeys):
            raise UsageError("this passkey is there already")
        self._check_holders()
        try:
            self.public_entry()
        except RosterError as refused:
            raise UsageError(refused.detail) from None

    def _check_holders(self) -> None:
        names = [each.name for each in self.holders]
        codes = {recovery_codes.name_of(digest) for digest in self.recovery_codes}
        with_prf = {each.id for each in self.passkeys if each.prf}
        if names != sorted(set(names)):
            raise UsageError("holders of the part are in order, none twice")
        if names and not (codes <= set(names) <= codes | with_prf and with_prf & set(names)):
            raise UsageError("the part is held by a passkey and by every recovery code, and by nobody else")

    @property
    def is_bound_to_passkeys(self) -> bool:
        """Whether its key file opens with the part alone, besides the passphrase."""
        return bool(self.holders)

    def bound_to(self, passkey: Opener, codes: Collection[str] = ()) -> Self:
        """Bind the key file to one more passkey; ``codes``, long ones, take the place of the recovery codes.

        Raises:
            UsageError: it is no passkey of theirs with PRF; or the codes that are there cannot open the part.
        """
        held = {each.name: each for each in self.holders} | {passkey.name: passkey.holder}
        if codes:
            own = {each.id for each in self.passkeys}
            held = {name: each for name, each in held.items() if name in own}
            held |= {each.name: each for each in (Opener.of_code(code).holder for code in codes)}
        kept = recovery_codes.digests(codes) if codes else self.recovery_codes
        return dataclasses.replace(self, recovery_codes=kept, holders=_in_order(held.values()))

    def unbound(self) -> Self:
        """The same keys in a file that the passphrase opens without a part."""
        return dataclasses.replace(self, holders=())

    def with_codes(self, codes: Collection[str]) -> Self:
        """With other recovery codes; long ones where the key file is bound."""
        digests = recovery_codes.digests(codes)
        if not self.holders:
            return dataclasses.replace(self, recovery_codes=digests)
        kept = [each for each in self.holders if each.name in {passkey.id for passkey in self.passkeys}]
        held = (*kept, *(Opener.of_code(code).holder for code in codes))
        return dataclasses.replace(self, recovery_codes=digests, holders=_in_order(held))

    def without_code(self, digest: bytes) -> Self:
        """Without one recovery code, which was used."""
        kept = tuple(sorted(set(self.recovery_codes) - {digest}))
        held = tuple(each for each in self.holders if each.name != recovery_codes.name_of(digest))
        return dataclasses.replace(self, recovery_codes=kept, holders=held)

    def without_passkey(self, passkey_id: str) -> Self:
        """Without one passkey. With the last one that holds the part its key file is not bound any more."""
        kept = tuple(each for each in self.passkeys if each.id != passkey_id)
        held = tuple(each for each in self.holders if each.name != passkey_id)
        if not {each.id for each in kept} & {each.name for each in held}:
            held = ()
        return dataclasses.replace(self, passkeys=kept, holders=held)

    @classmethod
    def generate(cls, handle: str, role: Role, *, codes: Collection[str] = ()) -> Self:
        """Draw every secret of a new member of staff.

        ``codes``: the recovery codes that are shown to them.

        Raises:
            UsageError: not a handle, or a role that has no key file.
        """
        is_admin = role is Role.ADMIN
        return cls(
            handle=handle,
            role=role,
            identities=() if is_admin else (HybridIdentity.generate(),),
            signing=SigningKey.generate(),
            totp=secrets.token_bytes(TOTP_SECRET_BYTES),
            admin=AdminKey.generate() if is_admin else None,
            recovery_codes=recovery_codes.digests(codes),
        )

    def public_entry(self, state: KeyState = KeyState.ACTIVE) -> Entry:
        """The public half, as it stands in the roster: the newest key."""
        recipient = self.identities[0].recipient if self.identities else None
        return Entry(
            handle=self.handle,
            role=self.role,
            key_id=key_id(self.signing.public if recipient is None else recipient.public),
            recipient=recipient,
            signing=self.signing.public,
            state=state,
        )


def encode_secrets(staff_key: StaffKey) -> bytes:
    """The secrets as canonical JSON: what a key file encrypts. Handle and role stand outside, authenticated."""
    admin = staff_key.admin
    value: dict[str, Any] = {
        "admin": None
        if admin is None
        else {"ed25519": admin.ed25519.seed.hex(), "ml-dsa-65": admin.mldsa65_seed.hex()},
        "identities": [identity.seed.hex() for identity in staff_key.identities],
        "signing": staff_key.signing.seed.hex(),
        "totp": staff_key.totp.hex(),
    }
    if staff_key.recovery_codes:
        value["recovery_codes"] = [digest.hex() for digest in staff_key.recovery_codes]
    if staff_key.holders:
        value["holders"] = [{"name": each.name, "public": each.recipient.public.hex()} for each in staff_key.holders]
    if staff_key.passkeys:
        value["passkeys"] = [
            {"credential": each.credential.hex(), "host": each.host, "name": each.name, "public": each.public.hex()}
            | ({"prf": True} if each.prf else {})
            for each in staff_key.passkeys
        ]
    return canonical.encode(value)


def decode_secrets(content: bytes | bytearray, *, handle: str, role: Role) -> StaffKey:
    """What ``encode_secrets`` wrote, and nothing else.

    Raises:
        ValueError: anything else. The message holds nothing of it.
    """
    try:
        value = _with_keys(canonical.decode(content), "admin", "identities", "signing", "totp", optional=_OPTIONAL)
        return StaffKey(
            handle=handle,
            role=role,
            identities=tuple(HybridIdentity(_seed(seed)) for seed in value["identities"]),
            signing=SigningKey(_seed(value["signing"])),
            totp=_seed(value["totp"], TOTP_SECRET_BYTES),
            admin=None if value["admin"] is None else _admin(value["admin"]),
            recovery_codes=tuple(
                _seed(digest, recovery_codes.DIGEST_BYTES) for digest in value.get("recovery_codes", [])
            ),
            passkeys=tuple(_passkey(each) for each in value.get("passkeys", [])),
            holders=tuple(_holder(each) for each in value.get("holders", [])),
        )
    except (ValueError, TypeError, AttributeError, UsageError, SealError):
        raise ValueError("not the secrets of a member of staff") from None


def _admin(value: Any) -> AdminKey:
    seeds = _with_keys(value, "ed25519", "ml-dsa-65")
    return AdminKey(ed25519=SigningKey(_seed(seeds["ed25519"])), mldsa65_seed=_seed(seeds["ml-dsa-65"]))


def _passkey(value: Any) -> Passkey:
    fields = _with_keys(value, "credential", "host", "name", "public", optional=("prf",))
    prf = fields.get("prf", False)
    if not all(isinstance(fields[name], str) for name in fields.keys() - {"prf"}) or not isinstance(prf, bool):
        raise ValueError
    return Passkey(
        name=fields["name"],
        credential=_seed(fields["credential"], len(fields["credential"]) // 2),
        public=_seed(fields["public"], len(fields["public"]) // 2),
        host=fields["host"],
        prf=prf,
    )


def _holder(value: Any) -> Holder:
    fields = _with_keys(value, "name", "public")
    return Holder(name=fields["name"], recipient=HybridRecipient(_seed(fields["public"], PUBLIC_BYTES)))


def _in_order(holders: Iterable[Holder]) -> tuple[Holder, ...]:
    return tuple(sorted(holders, key=lambda each: each.name))


def _with_keys(value: Any, *keys: str, optional: Collection[str] = ()) -> dict[str, Any]:
    """A dictionary with these keys, and those of ``optional`` that have something in them; nothing else."""
    if not isinstance(value, dict) or value.keys() - set(optional) != set(keys):
        raise ValueError
    if not all(value[name] for name in optional if name in value):
        raise ValueError
    return value


def _seed(value: Any, length: int = SEED_BYTES) -> bytes:
    seed = bytes.fromhex(value)
    if len(seed) != length or seed.hex() != value:
        raise ValueError
    return seed
