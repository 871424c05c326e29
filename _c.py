import time, tempfile
from pathlib import Path
import numpy as np
from tests.contract.control.files import *
from tests.contract.control.drawing import *
from tests.contract.drawing.tiny_sdxl import tiny_sdxl
from tests.contract.drawing.test_sdxl import MODEL
from tests.contract.from_pictures.drawing import *
from tests.contract.drawing.drawing import demo_request
p=tiny_sdxl(); net=new_controlnet(p.unet,seed=5,strength=1.0)
m=save_controlnet(Path(tempfile.mkdtemp()),net)
files=Files()
r=[demo_request(scheduler="Euler",num_inference_steps=2), demo_request(scheduler="Euler",num_inference_steps=2,controls=(control(files,m,outline(),end=0.5),))]
ref=[one_by_one(draw(engine_for(p),[x],files,model=MODEL))[0] for x in r]
p.unet.compile()
e=engine_for(p,compile=True)
print(e.device.plan.compiled)
for n in range(2):
    for x,y in zip(r,ref):
        t=time.time(); o=one_by_one(draw(e,[x],files,model=MODEL))[0]; print(np.abs(o-y).mean(), round(time.time()-t,1), flush=True)
