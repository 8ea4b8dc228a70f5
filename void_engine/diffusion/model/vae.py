"""VAE encoding and decoding in the temporal groups of published VOID, as streams.

Group normalisation takes its statistics over one temporal group, so the grouping is part of the result.
diffusers' ``vae.encode`` groups as published. Its ``vae.decode`` does not, so this module drives the decoder:
latent frame 0 alone, then pairs, with the caches of the causal convolutions passed on from group to group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_cogvideox import CogVideoXCausalConv3d
from diffusers.models.upsampling import CogVideoXUpsample3D

from void_engine.diffusion.framing import SPATIAL_COMPRESSION
from void_engine.diffusion.model.tiles import Tile, plan_tiles, tile_weights

ENCODE_GROUP = 8
"""How many pixel frames published VOID encodes together."""
DECODE_GROUP = 2
"""How many latent frames published VOID decodes together."""

ReadFrames = Callable[[int, int], torch.Tensor]
"""Takes the first frame and the end of a range, and gives those frames, (B, C, end - first, H, W)."""


def encode_groups(frames: int) -> list[tuple[int, int]]:
    """The half-open frame ranges that are encoded together: the odd frames first, then groups of eight."""
    first = frames if frames < 2 * ENCODE_GROUP else ENCODE_GROUP + frames % ENCODE_GROUP
    starts = [0, *range(first, frames, ENCODE_GROUP)]
    return list(zip(starts, [*starts[1:], frames], strict=True))


def decode_groups(latents: int) -> list[tuple[int, int]]:
    """The half-open latent ranges that are decoded together: 0 alone, then pairs; the last may be single."""
    starts = [0, *range(1, latents, DECODE_GROUP)]
    return list(zip(starts, [*starts[1:], latents], strict=True))


def drop_useless_caches(vae: Any) -> None:
    """Free inputs that causal convolutions keep for the next group but never use.

    A convolution that is one frame long needs no past frames, but diffusers' class keeps a copy of its whole
    input. In the decoder's normalisations that is a tenth of the peak memory.
    """

    def drop(module: Any, inputs: Any, output: tuple[torch.Tensor, Any]) -> tuple[torch.Tensor, None]:
        return output[0], None

    for module in vae.modules():
        if isinstance(module, CogVideoXCausalConv3d) and module.time_kernel_size == 1:
            module.register_forward_hook(drop)


@torch.no_grad()
def encode_frames(
    vae: Any,
    read: ReadFrames,
    frames: int,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    tiles: int = 1,
    on_group: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """Encode a clip to the mean of the posterior, *not* scaled, one group of frames at a time.

    Args:
        vae: diffusers' AutoencoderKLCogVideoX.
        read: ``read(start, stop)`` gives (B, 3, stop - start, H, W).
        frames: number of frames of the clip, 4j + 1.
        device, dtype: device and type in which the VAE computes.
        tiles: into how many parts each side of the picture is cut to save memory. Each tile has the published
            temporal groups but normalisation statistics of its own, so with more than 1 the result is nearly
            equal, not equal.
        on_group: called after each group with the number of frames done and of all frames.

    Returns:
        (B, 16, T, h, w) float32 on the CPU.
    """
    codes = []
    plan: list[Tile] = []
    caches: list[Any] = []
    for start, stop in encode_groups(frames):
        pixels = read(start, stop)
        if not plan:
            height, width = (side // SPATIAL_COMPRESSION for side in pixels.shape[-2:])
            plan = plan_tiles(height, width, tiles)
            weights = tile_weights(plan)
            caches = [None] * len(plan)
        code: torch.Tensor | None = None
        for index, tile in enumerate(plan):
            part = tile.cut(pixels, SPATIAL_COMPRESSION).to(device=device, dtype=dtype)
            moments, caches[index] = vae.encoder(part, conv_cache=caches[index])
            if vae.quant_conv is not None:
                moments = vae.quant_conv(moments)
            mean = moments.chunk(2, dim=1)[0].float().cpu()
            if len(plan) == 1:
                code = mean
                continue
            if code is None:
                code = torch.zeros(*mean.shape[:3], height, width)
            tile.cut(code).add_(mean * weights[index])
        assert code is not None
        codes.append(code)
        if on_group is not None:
            on_group(stop, frames)
    return torch.cat(codes, dim=2)


@contextmanager
def _single_latents_last_four_frames(vae: Any) -> Iterator[None]:
    """Within this context a latent that is decoded alone, but is not the clip's first, gives four frames.

    diffusers' upsampler takes a single frame for the first of a clip and does not repeat it in time.
    Repeating its output is the same arithmetic, because the convolution after it works frame by frame.
    """

    def repeat(module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor | None:
        return output.repeat_interleave(2, dim=2) if inputs[0].shape[2] == 1 else None

    handles = [
        module.register_forward_hook(repeat)
        for module in vae.decoder.modules()
        if isinstance(module, CogVideoXUpsample3D) and module.compress_time
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def decode_latents(
    vae: Any,
    latents: torch.Tensor,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    tiles: int = 1,
) -> Iterator[torch.Tensor]:
    """Decode latents and yield the frames group by group, (B, 3, 1 or 4 or 8, 8h, 8w).

    Values are about -1..1 and not clamped.

    Args:
        vae: diffusers' AutoencoderKLCogVideoX.
        latents: (B, 16, T, h, w), *not* scaled.
        device, dtype: device and type in which the VAE computes.
        tiles: into how many parts each side is cut, see :func:`encode_frames`.
    """
    height, width = latents.shape[-2:]
    plan = plan_tiles(height, width, tiles)
    weights = tile_weights(plan, SPATIAL_COMPRESSION) if len(plan) > 1 else []
    caches: list[Any] = [None] * len(plan)
    for start, stop in decode_groups(latents.shape[2]):
        group = latents[:, :, start:stop].to(device=device, dtype=dtype)
        if vae.post_quant_conv is not None:
            group = vae.post_quant_conv(group)
        alone = start > 0 and stop - start == 1
        with _single_latents_last_four_frames(vae) if alone else nullcontext():
            if len(plan) == 1:
                pixels, caches[0] = vae.decoder(group, conv_cache=caches[0])
            else:
                pixels = None
                for index, tile in enumerate(plan):
                    part, caches[index] = vae.decoder(tile.cut(group), conv_cache=caches[index])
                    if pixels is None:
                        size = (height * SPATIAL_COMPRESSION, width * SPATIAL_COMPRESSION)
                        pixels = torch.zeros(*part.shape[:3], *size)
                    share = part.float().cpu() * weights[index]
                    tile.cut(pixels, SPATIAL_COMPRESSION).add_(share)
        assert pixels is not None
        yield pixels


def scaled(latents: torch.Tensor, vae: Any) -> torch.Tensor:
    """Scale the VAE's latents to those of the denoiser."""
    return latents * float(vae.config.scaling_factor)


def unscaled(latents: torch.Tensor, vae: Any) -> torch.Tensor:
    """Scale the denoiser's latents back to those of the VAE."""
    return latents / float(vae.config.scaling_factor)


def decoded_to_picture(decoded: torch.Tensor) -> torch.Tensor:
    """Turn the decoder's output into a picture in 0..1, clamped."""
    return (decoded.float() / 2 + 0.5).clamp(0, 1)
