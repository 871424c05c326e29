"""ControlNets: loading them, and building their networks for a UNet."""
